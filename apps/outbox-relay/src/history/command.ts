import { parseArgs } from 'node:util';
import { type From, parseFrom } from './from.ts';

/** The parsed arguments. */
export interface Command {
  from: From;
  topic?: string;
  perSecond?: number;
}

const usage = `Usage: node dist/republish.js --from <where> [--topic <name>] [--per-second <events>]

Sends the events again that the relay has sent, in order, up to the relay's checkpoint. Consumers that check
productVersion ignore the repetition. The relay may keep running.

  --from 4711                  every event from this position on; 0 for all
  --from 2026-11-23T10:15:00Z  every event recorded then or later
  --from 018f…                 the events of this product
  --from 812:4711              the events after this place, which an earlier run printed
  --topic <name>               send to this topic instead of KAFKA_TOPIC
  --per-second <events>        at most this many a second, which leaves consumers time for live events

Settings: WRITE_DB_DSN, KAFKA_BROKER; KAFKA_TOPIC.`;

/** Parses the arguments. Ends the process with 0 after printing the help, and with 2 if they are invalid. */
export function parseCommand(args: string[]): Command {
  try {
    const { values } = parseArgs({
      args,
      options: {
        from: { type: 'string' },
        topic: { type: 'string' },
        'per-second': { type: 'string' },
        help: { type: 'boolean' },
      },
    });
    if (values.help) return end(usage, 0);
    return read(values.from, values.topic, values['per-second']);
  } catch (error) {
    return end(`${(error as Error).message}\n\n${usage}`, 2);
  }
}

function read(fromText: string | undefined, topic: string | undefined, rate: string | undefined): Command {
  if (fromText === undefined) throw new Error('--from is missing');
  const from = parseFrom(fromText);
  if (from === undefined) throw new Error(`--from must be a position, a time, a product or a place, not "${fromText}"`);
  if (rate !== undefined && !/^[1-9]\d{0,6}$/.test(rate))
    throw new Error(`--per-second must be a whole number from 1 to 9999999, not "${rate}"`);
  return {
    from,
    ...(topic === undefined ? {} : { topic }),
    ...(rate === undefined ? {} : { perSecond: Number(rate) }),
  };
}

function end(text: string, code: number): never {
  (code === 0 ? process.stdout : process.stderr).write(`${text}\n`);
  process.exit(code);
}
