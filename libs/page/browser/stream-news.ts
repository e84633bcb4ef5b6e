import type { StreamEvent } from '@catalogue/client';

/** A message about the shared stream from the tab or worker that reads it. */
export type News =
  /** The stream resumes after this event: a tab whose last event is another one may have missed changes. */
  | { type: 'from'; lastEventId: string | undefined }
  | { type: 'state'; state: 'live' | 'lost' }
  | { type: 'event'; event: StreamEvent }
  /** Sent every few seconds, so that silence means that the reader is gone. */
  | { type: 'beat' };

/** What the shared worker asks its tabs for, if streams need an access token: another one than was refused. */
export type TokenWanted = { type: 'token-wanted'; refused: string };

/** What a tab tells the shared worker. */
export type ToWorker = { type: 'bye' } | { type: 'token'; token: string };

/** The worker's name where it needs no token. Users who sign in have a worker each. */
export const withoutToken = 'stream';

/** The side that reads the stream. It remembers what a joining tab needs to know. */
export class Station {
  readonly #send: (news: News) => void;
  #lastEventId: string | undefined;
  #state: 'live' | 'lost' | undefined;

  constructor(send: (news: News) => void) {
    this.#send = send;
  }

  tell(news: News): void {
    if (news.type === 'from') this.#lastEventId = news.lastEventId;
    if (news.type === 'event') this.#lastEventId = news.event.eventId;
    if (news.type === 'state') this.#state = news.state;
    this.#send(news);
  }

  /** The id of the last event. */
  get lastEventId(): string | undefined {
    return this.#lastEventId;
  }

  greeting(): News[] {
    const from: News = { type: 'from', lastEventId: this.#lastEventId };
    return this.#state === undefined ? [from] : [from, { type: 'state', state: this.#state }];
  }
}

export interface Audience {
  hear: (event: StreamEvent) => void;
  stateChanged: (state: 'live' | 'lost') => void;
}

/** The side of a tab. It passes on the news, and reports a `reset` when the tab may have missed changes. */
export class Listener {
  readonly #audience: Audience;
  #lastEventId: string | undefined;
  #state: 'live' | 'lost' | undefined;
  #mayHaveMissed = false;

  constructor(audience: Audience) {
    this.#audience = audience;
  }

  /** The id of the last event that arrived. */
  get lastEventId(): string | undefined {
    return this.#lastEventId;
  }

  take(news: News): void {
    switch (news.type) {
      case 'from':
        this.#mayHaveMissed ||= news.lastEventId === undefined || news.lastEventId !== this.#lastEventId;
        return;
      case 'state':
        this.#takeState(news.state);
        return;
      case 'event':
        this.#lastEventId = news.event.eventId;
        this.#audience.hear(news.event);
        return;
      case 'beat':
        return;
      default:
        news satisfies never;
    }
  }

  #takeState(state: 'live' | 'lost'): void {
    if (state !== this.#state) this.#audience.stateChanged(state);
    this.#state = state;
    if (state === 'lost' || !this.#mayHaveMissed) return;
    this.#mayHaveMissed = false;
    this.#audience.hear({ type: 'reset', eventId: undefined });
  }
}
