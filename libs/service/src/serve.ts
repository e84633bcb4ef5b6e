import { setTimeout as delay } from 'node:timers/promises';
import { Server as TlsServer } from 'node:tls';
import closeWithGrace from 'close-with-grace';
import type { Logger } from './logger.ts';
import type { Server } from './fastify.ts';
import { separateOperations } from './server.ts';

export interface ServeOptions {
  port: number;
  host: string;
  /** Where health and metrics are served; on `port` when absent. */
  metricsPort?: number | undefined;
  log: Logger;
  /** The work besides answering requests, until the signal is aborted. If it ends earlier or fails, the process stops. */
  work?: (signal: AbortSignal) => Promise<void>;
  /**
   * Close connections. Called concurrently when the server and the work have ended, or 4 s after the signal. Operations
   * that still wait for an unresponsive server must then fail.
   */
  close?: (() => Promise<unknown>)[];
}

// Orchestrators kill a process after 10 s.
const maxStopMs = 9_000;
// Operations on a frozen server end only when their connections are closed. The rest of the 9 s is for pools and
// consumers to close, about a second each.
const maxWaitMs = 4_000;

/**
 * Runs the server and the work. On SIGTERM or SIGINT, stops within 9 s: accepts no new requests, answers those in
 * progress, ends the work, and closes all connections. The process exits with 0 after a signal, and with 1 after a
 * fault.
 */
export async function serve(
  app: Server,
  { port, host, metricsPort, log, work, close = [] }: ServeOptions,
): Promise<void> {
  const working = new AbortController();
  let worked: Promise<void> = Promise.resolve();
  let isCutOff = false;
  const operations = metricsPort === undefined ? undefined : { app: separateOperations(app, log), port: metricsPort };

  // Without these, closeWithGrace would exit without a word.
  const options = { delay: maxStopMs, logger: false as const, onTimeout: tooLate, onSecondSignal, onSecondError };
  const grace = closeWithGrace(options, async ({ signal, err }) => {
    if (err !== undefined) log.fatal({ err }, 'Stopping after a failure');
    else log.info({ signal }, 'Stopping');
    working.abort();
    const ended = Promise.all([app.close(), operations?.app.close(), worked]);
    const over = ended.then(
      () => true,
      () => true, // Reported below.
    );
    const isInTime = await Promise.race([over, delay(maxWaitMs, false)]);
    isCutOff = !isInTime;
    if (isCutOff) log.warn('A dependency does not answer; closing its connections');
    // All of them, although one fails: the others still close their connections in order.
    const closed = await Promise.allSettled([...close.map((end) => end()), ended]);
    const failure = closed.find((each) => each.status === 'rejected');
    if (failure !== undefined) onSecondError(failure.reason);
    if (failure !== undefined) process.exit(1);
    log.info('Stopped');
    log.flush();
    // After `grace.close()`, closeWithGrace would exit with 0.
    if (process.exitCode === 1) process.exit();
  });
  function tooLate() {
    log.fatal(`Not stopped after ${maxStopMs} ms; exiting`);
  }
  function onSecondSignal(signal?: string) {
    log.fatal({ signal }, 'Told to stop again: exiting at once');
  }
  function onSecondError(err?: unknown) {
    log.fatal({ err }, 'Failed while stopping; exiting');
  }

  const isListening =
    (await listen(app, log, 'PORT', { port, host })) &&
    (operations === undefined || (await listen(operations.app, log, 'METRICS_PORT', { port: operations.port, host })));
  if (!isListening) {
    process.exitCode = 1;
    grace.close();
    return;
  }
  if (work === undefined) return;
  worked = work(working.signal).catch((err: unknown) => {
    if (isCutOff) return; // Failed because its connection was closed.
    log.fatal({ err }, 'The work of the process failed');
    process.exitCode = 1;
  });
  await worked;
  if (!working.signal.aborted) grace.close();
}

/** Corrects the scheme: Fastify assumes HTTP for a server that it has not created itself. */
function withScheme(app: Server, url: string): string {
  return app.server instanceof TlsServer ? url.replace(/^http:/, 'https:') : url;
}

/** Returns false, and logs why, if HOST or the port cannot be used. `variable` sets the port. */
async function listen(app: Server, log: Logger, variable: string, address: { port: number; host: string }) {
  try {
    await app.listen({ ...address, listenTextResolver: (url) => `Server listening at ${withScheme(app, url)}` });
    return true;
  } catch (error) {
    const fault = faultOf(error as NodeJS.ErrnoException, variable, address);
    if (fault === undefined) throw error;
    log.fatal(fault);
    return false;
  }
}

function faultOf(
  { code = '' }: NodeJS.ErrnoException,
  variable: string,
  { port, host }: { port: number; host: string },
) {
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} is in use: stop the process that listens there, or set another ${variable}`;
    case 'EACCES':
      return `Port ${port} may not be used by this user: set another ${variable}`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
      return `${host} is not an address of this machine (${code}): set another HOST, such as 0.0.0.0`;
    default:
      return undefined;
  }
}
