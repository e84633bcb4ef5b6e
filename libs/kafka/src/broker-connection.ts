import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, getCACertificates } from 'node:tls';
import { passwordOf, type Sasl, type Security, type Tls } from './brokers.ts';
import { KafkaError } from './errors.ts';
import { Scram } from './scram.ts';
import { int16, int32, Reader, text } from './wire.ts';

const saslHandshake = 17;
const saslAuthenticate = 36;
const authenticationFailed = 58;

/** Larger than any response to these requests: a peer that sends more is not a broker. */
const maxResponseBytes = 16 * 1024 * 1024;

/** One connection to one broker, for requests that the client cannot send. Ask one request after the other. */
export class BrokerConnection {
  readonly #socket: Socket;
  readonly #broker: string;
  readonly #chunks: AsyncIterator<Buffer, undefined>;
  #received = Buffer.alloc(0);

  constructor(socket: Socket, broker: string) {
    this.#socket = socket;
    this.#broker = broker;
    this.#chunks = (socket as AsyncIterable<Buffer, undefined>)[Symbol.asyncIterator]();
  }

  /** Returns the response's body. */
  async ask(api: number, version: number, body: Buffer): Promise<Reader> {
    const head = Buffer.concat([int16(api), int16(version), int32(api), text('catalogue')]);
    this.#socket.write(Buffer.concat([int32(head.length + body.length), head, body]));
    const response = new Reader(await this.#frame());
    response.skip(4); // correlation id
    return response;
  }

  async #frame(): Promise<Buffer> {
    for (;;) {
      const received = this.#received;
      const length = received.length < 4 ? 0 : received.readInt32BE(0);
      if (length < 0 || length > maxResponseBytes) throw new Error(`${this.#broker} does not answer as Kafka does`);
      if (length > 0 && received.length >= 4 + length) {
        this.#received = received.subarray(4 + length);
        return received.subarray(4, 4 + length);
      }
      const next: IteratorResult<Buffer, undefined> = await this.#chunks.next();
      if (next.done === true) throw new Error(`${this.#broker} closed the connection`);
      this.#received = Buffer.concat([received, next.value]);
    }
  }
}

/**
 * Connects to a broker, authenticates, and uses the connection, all within `timeoutMs`.
 * @throws {KafkaError} if the broker refuses the user.
 */
export async function withBroker<T>(
  broker: string,
  { security, timeoutMs }: { security: Security | undefined; timeoutMs: number },
  use: (connection: BrokerConnection) => Promise<T>,
): Promise<T> {
  const socket = open(broker, security);
  const timer = setTimeout(
    () => socket.destroy(new Error(`${broker} did not answer within ${timeoutMs} ms`)),
    timeoutMs,
  );
  try {
    const connection = new BrokerConnection(socket, broker);
    if (security?.sasl !== undefined) await authenticate(connection, security.sasl);
    return await use(connection);
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

function open(broker: string, security: Security | undefined): Socket {
  const [, host = broker, port = '9092'] = /^(?:\w+:\/\/)?\[?(.*?)\]?:(\d+)$/.exec(broker) ?? [];
  const address = { host, port: Number(port) };
  if (security === undefined || security.protocol === 'SASL_PLAINTEXT') return connectTcp(address);
  const name = isIP(host) === 0 ? { servername: host } : {};
  return connectTls({ ...address, ...name, ...tlsOptions(security.tls ?? {}) });
}

function tlsOptions({ ca, cert, key }: Tls) {
  return {
    // As librdkafka, which trusts what the system trusts.
    ca: ca ?? [...getCACertificates('default'), ...getCACertificates('system')],
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

async function authenticate(connection: BrokerConnection, sasl: Sasl): Promise<void> {
  const { mechanism } = sasl;
  const handshake = await connection.ask(saslHandshake, 1, text(mechanism));
  refuse(handshake.int16(), `The broker does not offer ${mechanism}`);
  if (sasl.mechanism === 'OAUTHBEARER') {
    const { value } = await sasl.token();
    const refusal = await exchange(connection, `n,,\u0001auth=Bearer ${value}\u0001\u0001`);
    if (refusal !== '') throw new KafkaError('The broker refuses the token', { code: authenticationFailed });
    return;
  }
  const { username } = sasl;
  const password = passwordOf(sasl);
  if (sasl.mechanism === 'PLAIN') {
    await exchange(connection, `\0${username}\0${password}`);
    return;
  }
  const scram = new Scram(sasl.mechanism, username, password);
  const challenge = await exchange(connection, scram.first());
  scram.verify(await exchange(connection, scram.final(challenge)));
}

async function exchange(connection: BrokerConnection, message: string): Promise<string> {
  const bytes = Buffer.from(message);
  const response = await connection.ask(saslAuthenticate, 0, Buffer.concat([int32(bytes.length), bytes]));
  const code = response.int16();
  refuse(code, response.text() ?? 'The broker refuses the user');
  return response.bytes().toString();
}

function refuse(code: number, message: string): void {
  if (code !== 0) throw new KafkaError(message, { code });
}
