import fc from 'fast-check';
import { type ItemCounts, type ItemState, noItems } from '../src/machine/item.ts';
import { operate, type Operation } from '../src/machine/operate.ts';
import { isOver, type Move, next, type Promotion } from '../src/machine/promotion.ts';

/** An item as the driver keeps it, and the plain truth: whether its product has the promoted price. */
interface Item {
  state: ItemState;
  hasStep: boolean;
  wasApplied: boolean;
  isPromoted: boolean;
  /** Its step was certainly not sent. */
  isUnsent: boolean;
}

/** What may become of a step. */
const fates = ['done', 'refused', 'lost', 'lost-late', 'failed', 'unanswered', 'gone', 'changed', 'unsent'] as const;
type Fate = (typeof fates)[number];

/** Time passes, steps come to outcomes, and operators do things. */
export const happenings = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.record({ minutes: fc.integer({ min: 1, max: 20 }) }) },
    { weight: 6, arbitrary: fc.record({ fates: fc.array(fc.constantFrom(...fates), { minLength: 4, maxLength: 4 }) }) },
    { weight: 2, arbitrary: fc.record({ operation: fc.constantFrom<Operation>('cancel', 'retry', 'keep') }) },
  ),
  { maxLength: 60 },
);

/** What can happen to a model. */
type Happening = { minutes: number } | { fates: Fate[] } | { operation: Operation };

/** A promotion from minute 20 to 60, driven as the driver does. */
export class Model {
  now = 0;
  isKept = false;
  /** An operator has decided to keep, and not cancelled since. */
  isKeeping = false;
  /** What is stored of that. */
  keeps = false;
  readonly faults: string[] = [];
  dueAt: number | null = 0;
  promotion: Promotion;
  readonly items: Item[] = Array.from({ length: 4 }, () => {
    return { state: 'waiting', hasStep: false, wasApplied: false, isPromoted: false, isUnsent: false };
  });

  constructor(onRefusal: 'skip' | 'undo') {
    const period = { startsAt: 20, endsBefore: 60 };
    this.promotion = { state: 'claiming', ...period, onRefusal, interrupted: null, isClaimed: false, clashes: 0 };
  }

  get counts(): ItemCounts {
    const counts = { ...noItems };
    for (const { state } of this.items) counts[state] += 1;
    return counts;
  }

  meet(happening: Happening): void {
    if ('minutes' in happening) this.now += happening.minutes;
    else if ('fates' in happening) this.step(happening.fates);
    else this.operate(happening.operation);
    this.check();
  }

  operate(operation: Operation): void {
    const outcome = operate(operation, this.promotion, this.now);
    if (!('type' in outcome)) return;
    this.isKept ||= operation === 'keep';
    this.isKeeping = operation === 'keep' || (this.isKeeping && operation !== 'cancel');
    this.move(outcome);
    if (operation === 'keep' && this.items.some(({ state, isUnsent }) => state === 'giving-back' && isUnsent))
      this.faults.push('A step is stored that will give back a price that an operator keeps');
  }

  check(): void {
    const { state, interrupted } = this.promotion;
    if (isOver(state)) {
      const unsettled = this.items.filter((item) => open.has(item.state));
      if (unsettled.length > 0) this.faults.push(`${state} with an item ${unsettled[0]?.state}`);
      if (!this.isKept && this.items.some(({ isPromoted }) => isPromoted))
        this.faults.push(`${state} with a promoted price`);
    }
    // What has to happen has a time: only an operator continues what has none.
    if (this.dueAt === null && !isOver(state) && state !== 'needs-attention') this.faults.push(`${state} is never due`);
    if ((interrupted !== null) !== (state === 'needs-attention'))
      this.faults.push(`${state} interrupted ${interrupted}`);
  }

  step(itemFates: readonly Fate[]): void {
    const effect = next(this.promotion, this.counts, this.now);
    if (effect.type === 'claim') this.promotion = { ...this.promotion, isClaimed: true };
    if (effect.type === 'move') this.move(effect);
    if (effect.type === 'apply') {
      if (this.now < 20 || this.now >= 60) this.faults.push(`A price was applied at minute ${this.now}`);
      for (const item of this.items)
        if (item.state === 'waiting') Object.assign(item, { state: 'applying', hasStep: true, isUnsent: true });
    }
    if (effect.type === 'give-back') {
      if (this.items.some(({ state, isUnsent }) => state === 'applying' && isUnsent))
        this.faults.push('A step was stored ahead, and will be sent after the end');
      for (const item of this.items) {
        if (item.state !== 'applied') continue;
        if (this.isKeeping && !this.keeps) this.faults.push('A price was given back that an operator keeps');
        Object.assign(item, this.keeps ? { state: 'kept' } : { state: 'giving-back', hasStep: true, isUnsent: true });
      }
    }
    if (effect.type === 'apply' || effect.type === 'give-back') {
      const lost = effect.type === 'apply' ? 'waiting' : 'untouched';
      for (const [index, item] of this.items.entries()) settle(item, itemFates[index] ?? 'done', lost);
    }
  }

  move({ to, dueAt, interrupted, keeps, items }: Move): void {
    this.promotion = { ...this.promotion, state: to, interrupted };
    this.dueAt = dueAt;
    this.keeps = keeps ?? this.keeps;
    for (const { from, to: state, step, applied, unsent } of items) {
      for (const item of this.items) {
        const isMeant =
          (step === undefined || item.hasStep === (step === 'stored')) &&
          (applied ?? item.wasApplied) === item.wasApplied &&
          (unsent === undefined || item.isUnsent);
        if (item.state === from && isMeant) item.state = state;
      }
    }
  }
}

function settle(item: Item, fate: Fate, lost: 'waiting' | 'untouched'): void {
  const isApplying = item.state === 'applying';
  if (!isApplying && item.state !== 'giving-back') return;
  if (fate === 'unsent') return;
  item.isUnsent = false;
  const become = (state: ItemState, changes: Partial<Item> = {}) =>
    Object.assign(item, { state, hasStep: false, ...changes });
  if (fate === 'done') become(isApplying ? 'applied' : 'given-back', { isPromoted: isApplying, wasApplied: true });
  // By a process that read the promotion before it was cancelled.
  else if (fate === 'lost-late' && isApplying) become('waiting');
  else if (fate === 'lost') become(isApplying ? lost : 'applied');
  else if (fate === 'failed') item.state = 'failed';
  else if (fate === 'gone') become(isApplying ? 'refused' : 'gone', { isPromoted: false });
  else if (fate === 'refused' && isApplying) become('refused');
  else if (fate === 'changed' && !isApplying) become('kept', { isPromoted: false });
}

const open = new Set<ItemState>(['waiting', 'applying', 'applied', 'giving-back', 'failed']);
