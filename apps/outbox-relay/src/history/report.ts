import type { PlacedEvent } from '@catalogue/event-store';
import { isBrokerAway } from '@catalogue/kafka';
import { faultOfDatabase } from '@catalogue/postgres';
import { placeText } from './from.ts';

/** The time between two lines of progress. */
const progressIntervalMs = 2_000;

/** Reports a run to the operator: the result on standard output, everything else on standard error. */
export class Report {
  readonly topic: string;
  #events = 0;
  #last: PlacedEvent | undefined;
  #toldAt = performance.now();

  constructor(topic: string) {
    this.topic = topic;
  }

  readonly sent = (events: number, last: PlacedEvent): void => {
    this.#events = events;
    this.#last = last;
    if (performance.now() - this.#toldAt < progressIntervalMs) return;
    this.#toldAt = performance.now();
    complain(`${events} events so far, the last recorded at ${last.recordedAt.toISOString()}`);
  };

  done(): void {
    if (this.#last === undefined) process.stdout.write('No events were sent: the relay has not sent any that match\n');
    else process.stdout.write(`${this.#events} events were sent to ${this.topic}, up to ${placeText(this.#last)}\n`);
  }

  failed(error: unknown): void {
    complain(faultOfDatabase(error, 'WRITE_DB_DSN') + adviceOn(error));
    if (this.#last === undefined) return;
    complain(`${this.#events} events were sent to ${this.topic}; go on with --from ${placeText(this.#last)}`);
  }

  readonly log = {
    debug: () => {},
    info: () => {},
    warn: tell,
    error: tell,
  };
}

function adviceOn(error: unknown): string {
  return isBrokerAway(error) ? '. Is Kafka up, and is KAFKA_BROKER right?' : '';
}

function tell(facts: object, message: string): void {
  const error = 'err' in facts && facts.err instanceof Error ? `: ${facts.err.message}` : '';
  complain(message + error);
}

function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}
