import { orAborted } from '@catalogue/service';
import { UsageError } from './arguments.ts';
import type { Bed } from './bed.ts';
import { type Outcome, progressOf } from './report.ts';
import type { Scenario } from './scenarios/scenario.ts';

/**
 * The named scenarios and their floors, in the order of a round; without names, all except those that are too long. A
 * name that ends with `*` names all scenarios that begin so.
 */
export function choose(all: readonly Scenario[], wanted: readonly string[]): Scenario[] {
  const names = wanted.flatMap((name) => expanded(all, name));
  const unknown = names.find((name) => !all.some((scenario) => scenario.name === name));
  if (unknown !== undefined) {
    throw new UsageError(`There is no scenario "${unknown}"; there are ${all.map(({ name }) => name).join(', ')}`);
  }
  const floors = all.filter(({ name }) => names.includes(name)).flatMap(({ targets }) => targets.map(({ of }) => of));
  if (names.length === 0) return all.filter(({ onlyNamed = false }) => !onlyNamed);
  return all.filter(({ name }) => names.includes(name) || floors.includes(name));
}

function expanded(all: readonly Scenario[], wanted: string): string[] {
  if (!wanted.endsWith('*')) return [wanted];
  const found = all.map(({ name }) => name).filter((name) => name.startsWith(wanted.slice(0, -1)));
  return found.length === 0 ? [wanted] : found;
}

export interface RoundOptions {
  rounds: number;
  log: (line: string) => void;
  signal: AbortSignal;
}

/**
 * Runs every scenario in every round, so that a disturbance affects all of them, floors included. A failed scenario is
 * reported, and the others continue.
 * @throws the signal's reason, at once, when it is aborted.
 */
export async function runRounds(bed: Bed, scenarios: readonly Scenario[], { rounds, log, signal }: RoundOptions) {
  const outcomes: Outcome[] = scenarios.map((scenario) => ({ scenario, rounds: [] }));
  const failures: string[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const [index, scenario] of scenarios.entries()) {
      signal.throwIfAborted();
      const label = `${round}/${rounds} ${scenario.name}`;
      // Running work ends by itself when the servers have ended.
      const measured = await orAborted(measure(bed, scenario), signal).catch((error: unknown) => {
        signal.throwIfAborted();
        failures.push(`${label}: ${error instanceof Error ? error.message : String(error)}`);
      });
      outcomes[index]?.rounds.push(measured ?? undefined);
      log(measured ? `${label}: ${progressOf(measured)}` : `FAILED ${failures.at(-1)}`);
    }
  }
  return { outcomes, failures };
}

async function measure(bed: Bed, scenario: Scenario) {
  await bed.enter(scenario.mode);
  return scenario.measure(bed);
}
