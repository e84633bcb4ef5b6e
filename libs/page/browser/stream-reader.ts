import { type Catalogue, CatalogueProblem } from '@catalogue/client';
import { SignedOut } from './signed-out.ts';
import type { News } from './stream-news.ts';

export interface ReaderOptions {
  catalogue: Catalogue;
  /** Resume after this event. */
  lastEventId: string | undefined;
  tell: (news: News) => void;
  signal: AbortSignal;
}

/** How long to wait before asking again for a stream that was refused: a proxy may have answered, and recover soon. */
const refusedAgainMs = 3_000;

/** Reads the stream until the signal is aborted, whatever happens, and reports its news. */
export async function readStream({ catalogue, lastEventId, tell, signal }: ReaderOptions): Promise<void> {
  let last = lastEventId;
  const onConnection = (state: 'live' | 'lost') => tell({ type: 'state', state });
  while (!signal.aborted) {
    tell({ type: 'from', lastEventId: last });
    try {
      for await (const event of catalogue.stream({ onConnection, lastEventId: last, signal })) {
        last = event.eventId;
        tell({ type: 'event', event });
      }
    } catch (error) {
      if (!(error instanceof CatalogueProblem || error instanceof SignedOut)) reportError(error);
      onConnection('lost');
      await new Promise((resolve) => setTimeout(resolve, refusedAgainMs));
    }
  }
}
