import { type Codec, jsonCodec } from '@catalogue/contracts';
import type { FiledMessage, ParkedMessage } from '../fold/parked-message.ts';
import { type Read, read, unstorable } from '../fold/message.ts';

/** Bytes that name a message's schema, if it names one: the messages of one schema are asked about once. */
const headLength = 5;

/**
 * Reads messages that could not be read before. A message whose schema is unavailable stays unreadable, and says why.
 * Each schema is requested once for all products of a command, because a registry that is away may take seconds to
 * fail.
 */
export class ReadAgain {
  readonly #codec: Codec;
  /** The failure to get a schema, or undefined, by the beginning of its messages. */
  readonly #asked = new Map<string, Error | undefined>();

  constructor(codec: Codec = jsonCodec) {
    this.#codec = codec;
  }

  /** Whether `prepare` has something to do. */
  get needsSchemas(): boolean {
    return this.#codec.prepareToDecode !== undefined;
  }

  /** Asks for the schemas of messages. */
  async prepare(messages: readonly FiledMessage[]): Promise<void> {
    for (const { value } of messages) {
      const head = headOf(value);
      if (this.#asked.has(head)) continue;
      const failure = await this.#codec.prepareToDecode?.([value]).then(
        () => undefined,
        (error: unknown) => error as Error,
      );
      this.#asked.set(head, failure);
    }
  }

  /** Whether the schema of a message is unavailable or was not fetched: nothing new is known about why it was parked. */
  lacksSchema({ value }: Pick<ParkedMessage, 'value'>): boolean {
    const head = headOf(value);
    return this.needsSchemas && (!this.#asked.has(head) || this.#asked.get(head) !== undefined);
  }

  /** Reads messages of a key. With `refusal`, PostgreSQL's reason to refuse their values, they stay unreadable. */
  read(productId: string, messages: readonly ParkedMessage[], refusal: Error | undefined): Read[] {
    return messages.map((message) => {
      const origin = { ...message, key: productId };
      if (refusal !== undefined) return unstorable(origin, refusal);
      const failure = this.#asked.get(headOf(message.value));
      if (failure !== undefined) return { origin, unread: { reason: 'unreadable', detail: failure.message } };
      return read([origin], this.#codec)[0] as Read;
    });
  }
}

function headOf(value: Buffer | null): string {
  return value?.toString('latin1', 0, headLength) ?? '';
}
