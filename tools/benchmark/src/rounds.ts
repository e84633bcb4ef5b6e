import { orAborted } from '@catalogue/service';
import type { Bed } from './bed.ts';
import { type Outcome, progressOf } from './report.ts';
import type { Scenario } from './scenarios/scenario.ts';

/** The scenarios named and the floors they are compared with, in the order of a round; all but those that are too long when none is named. */
export function choose(all: readonly Scenario[], names: readonly string[]): Scenario[] {
  const unknown = names.find((name) => !all.some((scenario) => scenario.name === name));
  if (unknown !== undefined) {
    throw new Error(`There is no scenario "${unknown}"; there are ${all.map(({ name }) => name).join(', ')}`);
  }
  const floors = all.filter(({ name }) => names.includes(name)).flatMap(({ targets }) => targets.map(({ of }) => of));
  if (names.length === 0) return all.filter(({ onlyNamed = false }) => !onlyNamed);
  return all.filter(({ name }) => names.includes(name) || floors.includes(name));
}

export interface RoundOptions {
  rounds: number;
  log: (line: string) => void;
  signal: AbortSignal;
}

/**
 * Runs every scenario in every round: whatever else the machine does meanwhile meets all of them, floors included. A
 * scenario that fails is told, and the others go on.
 * @throws the signal's reason, at once, when it is aborted.
 */
export async function runRounds(bed: Bed, scenarios: readonly Scenario[], { rounds, log, signal }: RoundOptions) {
  const outcomes: Outcome[] = scenarios.map((scenario) => ({ scenario, rounds: [] }));
  const failures: string[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const [index, scenario] of scenarios.entries()) {
      signal.throwIfAborted();
      const label = `${round}/${rounds} ${scenario.name}`;
      // What is under way when the signal comes ends by itself, once the servers are gone.
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
