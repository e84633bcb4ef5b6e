import kafka from '@confluentinc/kafka-javascript';

/** librdkafka's error codes, by name. Negative ones are the client's own, positive ones come from the broker. */
export const codes = kafka.CODES.ERRORS;

/** An error of the Kafka client or the broker. */
export class KafkaError extends Error {
  override readonly name = 'KafkaError';
  /** librdkafka's code; negative for the client's own errors. */
  readonly code: number;
  /** True if the client cannot be used any more: open a new one, and send again the messages without a delivery report. */
  readonly fatal: boolean;

  constructor(message: string, { code, fatal = false, cause }: { code: number; fatal?: boolean; cause?: unknown }) {
    super(message, { cause });
    this.code = code;
    this.fatal = fatal;
  }
}

/** Converts an error that the client threw, or passed to a callback. `doing` names the operation: "Seeking events[3]". */
export function kafkaError(doing: string, cause: unknown): KafkaError {
  const { code, message, isFatal } = cause as {
    code?: unknown;
    message?: unknown;
    isFatal?: unknown;
  };
  const known = typeof code === 'number' && code !== codes.ERR_UNKNOWN ? code : codeOf(String(message));
  const fatal = isFatal === true || known === codes.ERR__FATAL || known === codes.ERR__FENCED;
  return new KafkaError(`${doing}: ${String(message ?? cause)}`, {
    code: known,
    fatal,
    cause,
  });
}

/** True for errors which say that no broker can be reached now. The client retries by itself. */
export function isAway(code: number): boolean {
  return away.has(code);
}

/** True for an error that `isAway` describes, whatever its type. */
export function isBrokerAway(error: unknown): boolean {
  return error instanceof KafkaError && isAway(error.code);
}

const away = new Set<number>([
  codes.ERR__ALL_BROKERS_DOWN,
  codes.ERR__TRANSPORT,
  codes.ERR__RESOLVE,
  codes.ERR__TIMED_OUT,
  codes.ERR__TIMED_OUT_QUEUE,
]);

/** Finds the code by the message: errors that the client reports as events carry no code. */
function codeOf(message: string): number {
  if (message.includes('all broker connections are down')) return codes.ERR__ALL_BROKERS_DOWN;
  if (message.includes('broker transport failure')) return codes.ERR__TRANSPORT;
  if (message.includes('host resolution failure')) return codes.ERR__RESOLVE;
  if (message.includes('fatal error')) return codes.ERR__FATAL;
  if (message.includes('timed out')) return codes.ERR__TIMED_OUT;
  return codes.ERR_UNKNOWN;
}
