import type { StreamEvent } from '@catalogue/client';

/** Something that the tabs of a browser tell one another about the stream that they share. */
export type News =
  /** The stream goes on after this event: a tab that has not heard exactly this one last may have missed changes. */
  | { type: 'from'; lastEventId: string | undefined }
  | { type: 'state'; state: 'live' | 'lost' }
  | { type: 'event'; event: StreamEvent }
  /** Sent every few seconds, so that silence means that the sender is gone. */
  | { type: 'beat' };

/** The side that has the stream: it remembers what a tab that joins has to be told. */
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

  greeting(): News[] {
    const from: News = { type: 'from', lastEventId: this.#lastEventId };
    return this.#state === undefined ? [from] : [from, { type: 'state', state: this.#state }];
  }
}

export interface Audience {
  hear: (event: StreamEvent) => void;
  stateChanged: (state: 'live' | 'lost') => void;
}

/** The side of a tab: it passes on the news, and a `reset` whenever changes may have been missed. */
export class Listener {
  readonly #audience: Audience;
  #lastEventId: string | undefined;
  #state: 'live' | 'lost' | undefined;
  #mayHaveMissed = false;

  constructor(audience: Audience) {
    this.#audience = audience;
  }

  /** The last event that was heard. */
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
