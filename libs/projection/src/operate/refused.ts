/** The request cannot be fulfilled now; the message says why, and what the operator can do. */
export class RefusedError extends Error {}
