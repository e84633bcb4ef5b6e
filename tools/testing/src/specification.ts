import { expect } from 'vitest';

/**
 * Domain tests as sentences: `given(created).when(changePrice).then(repriced)`. Each `then…` compares the whole decision, so a
 * superfluous event fails, too.
 */
export function specify<State, Command, Event, Refusal>(decider: {
  initial: State;
  decide: (command: Command, state: State) => { events: Event[] } | { refused: Refusal };
  evolve: (state: State, event: Event) => State;
}) {
  return {
    given: (...history: Event[]) => ({
      when: (command: Command) => {
        const decision = decider.decide(command, history.reduce(decider.evolve, decider.initial));
        return {
          then: (...events: Event[]) => expect(decision).toEqual({ events }),
          thenNothing: () => expect(decision).toEqual({ events: [] }),
          thenRefused: (refused: Refusal) => expect(decision).toEqual({ refused }),
        };
      },
    }),
  };
}
