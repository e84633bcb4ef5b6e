import { isMarked, type LoggedChange, type LogPosition } from './log.ts';

/** The newest changes of a log, without a gap, with the last change of each product among them. */
export class RecentChanges<Change extends LoggedChange> {
  /** The position before the first change. */
  #base: LogPosition;
  #position: LogPosition;
  readonly #changes: Change[] = [];
  readonly #lastOf = new Map<string, Change>();

  constructor(base: LogPosition, changes: readonly Change[]) {
    this.#base = base;
    this.#position = base;
    this.add(changes);
  }

  /** The position after the last change. A new object after each change. */
  get position(): LogPosition {
    return this.#position;
  }

  get last(): Change | undefined {
    return this.#changes.at(-1);
  }

  lastOf(productId: string): Change | undefined {
    return this.#lastOf.get(productId);
  }

  /** Whether the position belongs to this history and is still kept. */
  includes(position: LogPosition): boolean {
    const index = position.seq - this.#base.seq;
    if (position.generation !== this.#base.generation || index < 0 || index > this.#changes.length) return false;
    return isMarked(position, (index === 0 ? this.#base : this.#changes[index - 1])?.mark ?? null);
  }

  /** The changes after a position; undefined if the position is not included. */
  since(position: LogPosition): readonly Change[] | undefined {
    return this.includes(position) ? this.#changes.slice(position.seq - this.#base.seq) : undefined;
  }

  /** Adds the changes that follow the last one. */
  add(changes: readonly Change[]): void {
    const last = changes.at(-1);
    if (last === undefined) return;
    this.#changes.push(...changes);
    for (const change of changes) this.#lastOf.set(change.id, change);
    this.#position = positionAt(this.#base.generation, last);
  }

  /** Removes all but the newest changes. */
  keep(count: number): void {
    const forgotten = this.#changes.splice(0, Math.max(0, this.#changes.length - count));
    const last = forgotten.at(-1);
    if (last === undefined) return;
    this.#base = positionAt(this.#base.generation, last);
    for (const change of forgotten) if (this.#lastOf.get(change.id) === change) this.#lastOf.delete(change.id);
  }

  get count(): number {
    return this.#changes.length;
  }
}

/** The position after a change. */
export function positionAt(generation: number, { seq, mark }: Pick<LoggedChange, 'seq' | 'mark'>): LogPosition {
  return { generation, seq, mark };
}
