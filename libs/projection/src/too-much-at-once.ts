/** Thrown by `Model.lock`: the data of these products does not fit into memory together. Retry with fewer products. */
export class TooMuchAtOnce extends Error {}
