import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const produce = 0;
const nowhere = 0x7f7f7f7f;
/** Milliseconds the refusal is on its way: time for the client to send the next batch, if it does not wait. */
const slowness = 300;

/**
 * A broker, seen through a door, that does not know the partition when the first batch comes and does for all that follow:
 * as one does that has just been told of the topic. The topic must have one partition.
 */
export async function openRefusingBroker(brokers: string, topic: string) {
  const [host = '', port] = brokers.split(':');
  const sockets = new Set<Socket>();
  let refused: number | undefined;
  const door = createServer((client) => {
    const broker = connect(Number(port), host);
    for (const socket of [client, broker]) sockets.add(socket.on('error', () => {}));
    client
      .on('close', () => broker.destroy())
      .on(
        'data',
        framed(toBroker, (frame) => broker.write(frame)),
      );
    broker.on('close', () => client.destroy()).on('data', framed(toClient, answer(client)));
  });

  /** Sends the first batch to a partition that does not exist. */
  function toBroker(frame: Buffer): void {
    if (frame.readInt16BE(4) !== produce || refused !== undefined) return;
    const index = partitionIn(frame, frame.readInt16BE(6));
    if (index === undefined) return;
    refused = frame.readInt32BE(8);
    frame.writeInt32BE(nowhere, index);
  }

  /** Makes the refusal one of the partition that was meant, and has the client stay with this door. */
  function toClient(frame: Buffer): void {
    const at = frame.indexOf(int32(nowhere));
    if (at >= 0 && frame.readInt32BE(4) === refused) frame.writeInt32BE(0, at);
    const address = Buffer.concat([Buffer.from(host), int32(Number(port))]);
    for (let found = frame.indexOf(address); found >= 0; found = frame.indexOf(address, found + 1)) {
      frame.writeInt32BE((door.address() as AddressInfo).port, found + host.length);
    }
  }

  /** Answers in order; the refusal, and what follows it, late. */
  function answer(client: Socket): (frame: Buffer) => void {
    let sent: Promise<unknown> = Promise.resolve();
    return (frame) => {
      const late = frame.readInt32BE(4) === refused ? delay(slowness) : undefined;
      sent = sent.then(() => late).then(() => client.write(frame));
    };
  }

  /** Where a request's partition is: after the topic's name and the number of partitions. */
  function partitionIn(frame: Buffer, version: number): number | undefined {
    const name = frame.indexOf(topic);
    return name < 0 ? undefined : name + topic.length + (version >= 9 ? 1 : 4);
  }

  await once(door.listen(0, '127.0.0.1'), 'listening');
  return {
    address: `127.0.0.1:${(door.address() as AddressInfo).port}`,
    refused: () => refused !== undefined,
    [Symbol.asyncDispose]: async () => {
      const closed = once(door.close(), 'close');
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Hands whole frames to `change`, and then on. */
function framed(change: (frame: Buffer) => void, send: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const frame = Buffer.from(rest.subarray(0, 4 + rest.readInt32BE(0)));
      rest = rest.subarray(frame.length);
      change(frame);
      send(frame);
    }
  };
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
