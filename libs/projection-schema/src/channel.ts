/** The NOTIFY channel that announces new changes in the change log of a generation. */
export const changesAppended = 'changes_appended';
