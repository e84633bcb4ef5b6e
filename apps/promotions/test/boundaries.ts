import { AsyncLocalStorage } from 'node:async_hooks';
import { appendFileSync } from 'node:fs';
import type { Sql } from '@catalogue/postgres';

/** Set while the driver works: statements of routes, streams and metrics are no boundaries of a promotion. */
export const inDriver = new AsyncLocalStorage<true>();

const file = process.env['BOUNDARIES'] ?? '';
/** `<occurrence> <name>` of a boundary; empty: none. */
const killAt = process.env['KILL_AT'] ?? '';
const passed = new Map<string, number>();
let isArmed = false;

/** From now on boundaries count. */
export function arm(): void {
  isArmed = true;
}

/** A boundary of the driver: it is written to the file `BOUNDARIES` with its occurrence, and the process dies at `KILL_AT`. */
export function boundary(name: string): void {
  if (!isArmed || inDriver.getStore() !== true) return;
  const occurrence = (passed.get(name) ?? 0) + 1;
  passed.set(name, occurrence);
  const place = `${occurrence} ${name}`;
  appendFileSync(file, `${place}\n`);
  if (place === killAt) process.kill(process.pid, 'SIGKILL');
}

/** What postgres.js has of a statement: `handler` sends it, `resolve` tells its rows. */
interface Statement {
  handler: ((statement: unknown) => unknown) & object;
  resolve: (rows: unknown) => void;
}

/** The same pool, whose statements are boundaries: just before each is sent, and just after its answer has come. */
export function counted<S extends object>(sql: S): S {
  return new Proxy(sql, {
    apply: (target, self, args: unknown[]) => {
      const made: unknown = Reflect.apply(target as never, self, args);
      return isStatement(made) ? watched(made, textOf(args[0])) : made;
    },
    get: (target, name, self) => {
      const found = Reflect.get(target, name, self) as unknown;
      return name === 'begin' ? beginning(found as Sql['begin']) : found;
    },
  });
}

function isStatement(made: unknown): made is Statement {
  return typeof made === 'object' && made !== null && 'handler' in made && 'resolve' in made;
}

function textOf(strings: unknown): string {
  return (strings as readonly string[]).join('?').trim().replaceAll(/\s+/g, ' ').slice(0, 60).trim();
}

function watched(statement: Statement, text: string): Statement {
  const { handler, resolve } = statement;
  // To look for what is due changes nothing, unless something is.
  const isPoll = text.startsWith('update promotions set held_until = clock') || text.includes('min(greatest(');
  statement.handler = Object.assign((sent: unknown) => {
    if (!isPoll) boundary(`before: ${text}`);
    return handler(sent);
  }, handler);
  statement.resolve = (rows) => {
    if (!isPoll || (rows as unknown[]).length > 0) boundary(`after: ${text}`);
    resolve(rows);
  };
  return statement;
}

type Begin = (...args: unknown[]) => Promise<unknown>;

/** A transaction dies before its first statement, at each of its statements, before its commit, and after it. */
function beginning(begin: Sql['begin']): Begin {
  return async (...args) => {
    const work = args.pop() as (tx: object) => Promise<unknown>;
    boundary('before: begin');
    const result = await (begin as unknown as Begin)(...args, async (tx: object) => {
      const done = await work(counted(tx));
      boundary('before: commit');
      return done;
    });
    boundary('after: commit');
    return result;
  };
}
