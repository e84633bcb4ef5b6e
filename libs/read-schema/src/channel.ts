/** The channel of the hint that changes were added to the change log, of which generation. */
export const changesAppended = 'changes_appended';
