// A worker that is killed when it gets to a point of its work, or does not get on from there (stall): node crashing-worker.ts <point>, with a worker's settings.
import { type Codec, jsonCodec } from '@catalogue/contracts';
import type { Sql } from '@catalogue/postgres';
import { connectModel } from '@catalogue/projection';
import { createLogger, createMetrics, readSettings, serve } from '@catalogue/service';
import { buildWorker } from '../src/app.ts';
import { productModel } from '../src/model.ts';
import { settings } from '../src/settings.ts';

const [, , point] = process.argv;
const reached = (here: string) => {
  if (here === point) process.kill(process.pid, 'SIGKILL');
};

/** Ends the process at a message with `poison` in it. */
const codec: Codec = {
  ...jsonCodec,
  decode: (value) => {
    if (value !== null && Buffer.from(value).includes('poison')) reached('read');
    return jsonCodec.decode(value);
  },
};

/** Ends the process before the commit of a batch is sent, or after it is acknowledged; or never begins one. */
function atCommits(sql: Sql): Sql {
  const reserve = async () => {
    if (point === 'stall') return await new Promise<never>(() => {});
    const session = await sql.reserve();
    return new Proxy(session, {
      apply: (target, self, args: unknown[]) => {
        const run = target as unknown as (...typed: unknown[]) => Promise<unknown>;
        const statement = Reflect.apply(run, self, args);
        if (!Array.isArray(args[0]) || args[0][0] !== 'commit') return statement;
        return committedLate(statement);
      },
    });
  };
  return new Proxy(sql, {
    get: (target, name): unknown => (name === 'reserve' ? reserve : Reflect.get(target, name)),
  });
}

/** Sent when it is awaited, as the commit itself would be: begun here, it would overtake the statements before it. */
function committedLate(commit: Promise<unknown>): PromiseLike<unknown> {
  const sent = async () => {
    const done = await commit;
    reached('after commit');
    return done;
  };
  return {
    // oxlint-disable-next-line unicorn/no-thenable -- like the statement that it stands for
    then: (resolve, reject) => {
      if (point !== 'before commit') return sent().then(resolve, reject);
      // Two turns later what was written has gone to the server.
      setImmediate(() => setImmediate(() => reached('before commit')));
      return new Promise<never>(() => {});
    },
  };
}

const { port, host, logLevel, readDb, brokers, topic } = readSettings(settings, process.env);
const model = productModel();
const log = createLogger('query-worker', logLevel);
const metrics = createMetrics('query-worker');
const sql = connectModel(model, readDb);
const { app, work } = await buildWorker(model, { sql: atCommits(sql), brokers, topic, log, metrics, codec });
await serve(app, { port, host, log, work, close: [() => sql.end({ timeout: 1 })] });
