import { setTimeout as delay } from 'node:timers/promises';
import closeWithGrace from 'close-with-grace';
import type { Logger } from './logger.ts';
import type { Server } from './fastify.ts';

export interface ServeOptions {
  port: number;
  host: string;
  log: Logger;
  /**
   * The work besides answering requests. It ends when the signal is aborted; ending before, or failing, ends the process.
   */
  work?: (signal: AbortSignal) => Promise<void>;
  /**
   * Ends what was opened, all at once, when the server and the work have ended, or 4 s after the signal. Then what still waits
   * for a server that does not answer has to fail.
   */
  close?: (() => Promise<unknown>)[];
}

// An orchestrator kills after 10 s.
const longestStop = 9_000;
// Frozen servers answer nothing and end nothing: whatever waits for one ends with its connection. A second each for pools
// and consumers to close is left within 9 s.
const longestWait = 4_000;

/**
 * Listens, works, and on SIGTERM or SIGINT ends in order within 9 s: no new requests, the ones under way answered, the work
 * ended, everything closed. The process exits with 0 after a signal, 1 after a fault.
 */
export async function serve(app: Server, { port, host, log, work, close = [] }: ServeOptions): Promise<void> {
  const working = new AbortController();
  let worked: Promise<void> = Promise.resolve();
  let isCutOff = false;

  const grace = closeWithGrace({ delay: longestStop, logger: false, onTimeout: tooLate }, async ({ signal, err }) => {
    if (err !== undefined) log.fatal({ err }, 'Stopping after a failure');
    else log.info({ signal }, 'Stopping');
    working.abort();
    const ended = Promise.all([app.close(), worked]);
    const isInTime = await Promise.race([ended.then(() => true), delay(longestWait, false)]);
    isCutOff = !isInTime;
    if (isCutOff) log.warn('A dependency does not answer; closing its connections');
    await Promise.all(close.map((end) => end()));
    await ended;
    log.info('Stopped');
    log.flush();
    // Asked to close, closeWithGrace would end with 0.
    if (process.exitCode === 1) process.exit();
  });
  function tooLate() {
    log.fatal(`Not stopped after ${longestStop} ms; exiting`);
  }

  try {
    await app.listen({ port, host });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    log.fatal(`Port ${port} is in use: stop the process that listens there, or set another PORT`);
    process.exitCode = 1;
    grace.close();
    return;
  }
  if (work === undefined) return;
  worked = work(working.signal).catch((err: unknown) => {
    if (isCutOff) return; // It waited on a connection that was closed.
    log.fatal({ err }, 'The work of the process failed');
    process.exitCode = 1;
  });
  await worked;
  if (!working.signal.aborted) grace.close();
}
