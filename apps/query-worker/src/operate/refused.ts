/** What an operator asked for cannot be done now: the message says why, and what can be done. */
export class RefusedError extends Error {}
