/** `Model.lock` refuses: together, what the products need does not fit into memory. With fewer products it may. */
export class TooMuchAtOnce extends Error {}
