import type { Catalogue } from '@catalogue/client';
import { SignedOut } from './signed-out.ts';
import { watchSilence } from './silence.ts';
import { leadOrFollow } from './stream-leader.ts';
import type { Session } from './session.ts';
import { type Audience, Listener, type News, type TokenWanted, type ToWorker, withoutToken } from './stream-news.ts';
import { readStream } from './stream-reader.ts';

export interface SharedStreamOptions extends Audience {
  catalogue: Catalogue;
  /** The address of the shared worker’s script, with a hash of its content: tabs of one release share a stream. */
  workerUrl: string;
  /** Who is signed in; undefined without sign-in. Only tabs of the same user share a stream. */
  session: Session | undefined;
}

/** One way to get the stream. Resolves when it does not work, no longer works, or the signal is aborted. */
type Source = (signal: AbortSignal) => Promise<void>;

/**
 * Follows the stream that all tabs of this browser share, because browsers open only six connections to a host over
 * HTTP/1.1. A shared worker reads it. Without one, the tab that holds a Web Lock does; browsers offer locks only in
 * secure contexts. Without both, each tab reads its own stream while it is visible. The function that it returns ends
 * that for good.
 */
export function followStream(options: SharedStreamOptions): () => void {
  const listener = new Listener(options);
  const { catalogue, workerUrl, session } = options;
  const sources: Source[] = [
    async (signal) => {
      if (!('SharedWorker' in globalThis)) return;
      while (!signal.aborted && (await listenToWorker({ url: workerUrl, listener, session, signal })));
    },
    async (signal) => {
      if ('locks' in navigator) await leadOrFollow({ catalogue, name: workerUrl + nameOf(session), listener, signal });
    },
    (signal) => readWhileVisible(catalogue, listener, signal),
  ];
  return whileAwake(async (signal) => {
    for (const source of sources) if (!signal.aborted) await source(signal).catch(passOn);
  });
}

/** A browser that stores nothing for a page refuses it workers and locks, too: continue with the next source. */
function passOn(error: unknown): void {
  if (!(error instanceof DOMException)) reportError(error);
}

/** A tab that sleeps (frozen, or cached for "back") leaves the stream to others, and rejoins when it wakes. */
function whileAwake(run: (signal: AbortSignal) => Promise<void>): () => void {
  let awake: AbortController | undefined;
  let isOver = false;
  const wake = () => {
    if (awake !== undefined || isOver) return;
    awake = new AbortController();
    void run(awake.signal);
  };
  const sleep = () => {
    awake?.abort();
    awake = undefined;
  };
  document.addEventListener('freeze', sleep);
  addEventListener('pagehide', sleep);
  document.addEventListener('resume', wake);
  addEventListener('pageshow', wake);
  wake();
  return () => {
    isOver = true;
    sleep();
  };
}

/** The page’s policy accepts only this text as the address of a script. */
let trustedUrl: string | undefined;
interface PolicyFactory {
  createPolicy: (
    name: string,
    rules: { createScriptURL: () => string },
  ) => { createScriptURL: (url: string) => string };
}

function trusted(url: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: PolicyFactory };
  const policy = trustedTypes?.createPolicy('stream-worker', { createScriptURL: () => url }); // Once: a policy’s name can be used once.
  return policy?.createScriptURL(url) ?? url;
}

interface WorkerOptions {
  url: string;
  listener: Listener;
  session: Session | undefined;
  signal: AbortSignal;
}

/**
 * Resolves when the worker is silent or the signal is aborted; with false if the worker never sent anything, so that a retry is
 * pointless.
 */
async function listenToWorker({ url, listener, session, signal }: WorkerOptions): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { port } = startWorker((trustedUrl ??= trusted(url)), nameOf(session), resolve);
  const tell = (message: ToWorker) => port.postMessage(message);
  let heardAt = 0;
  port.addEventListener('message', ({ data }: MessageEvent<News | TokenWanted>) => {
    heardAt = Date.now();
    if (data.type !== 'token-wanted') listener.take(data);
    else void lend(session, data, tell);
  });
  port.start();
  const stopWatching = watchSilence(() => heardAt, resolve);
  signal.addEventListener('abort', () => resolve());
  await promise;
  stopWatching();
  tell({ type: 'bye' });
  port.close();
  if (!signal.aborted) listener.take({ type: 'state', state: 'lost' });
  return heardAt > 0;
}

async function lend(
  session: Session | undefined,
  { refused }: TokenWanted,
  tell: (message: ToWorker) => void,
): Promise<void> {
  session?.refuse(refused);
  try {
    tell({ type: 'token', token: (await session?.token()) ?? '' });
  } catch (error) {
    // Signed out: this tab has left the worker.
    if (!(error instanceof SignedOut)) reportError(error);
  }
}

function nameOf(session: Session | undefined): string {
  return session === undefined ? withoutToken : `${withoutToken} of ${session.subject ?? ''}`;
}

function startWorker(url: string, name: string, failed: () => void): SharedWorker {
  const worker = new SharedWorker(url, { type: 'module', name });
  worker.addEventListener('error', failed);
  return worker;
}

async function readWhileVisible(catalogue: Catalogue, listener: Listener, signal: AbortSignal): Promise<void> {
  let reading: AbortController | undefined;
  const look = () => {
    if (document.hidden || signal.aborted) {
      reading?.abort();
      reading = undefined;
      return;
    }
    reading ??= startReading(catalogue, listener);
  };
  document.addEventListener('visibilitychange', look);
  signal.addEventListener('abort', look);
  look();
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  document.removeEventListener('visibilitychange', look);
}

function startReading(catalogue: Catalogue, listener: Listener): AbortController {
  const reading = new AbortController();
  const { signal } = reading;
  // Ignore news of a reading that has ended.
  const tell = (news: News) => signal.aborted || listener.take(news);
  void readStream({ catalogue, lastEventId: listener.lastEventId, tell, signal });
  return reading;
}
