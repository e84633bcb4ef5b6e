import { type DependencyState, type Logger, repeat } from '@catalogue/service';

export interface TopicWatchOptions {
  /** Resolves with the settings that let the topic lose events, and the command that corrects them; undefined if none. */
  findDangers: () => Promise<string | undefined>;
  everyMs: number;
  log: Logger;
}

/**
 * Checks regularly whether the topic can lose events. The relay continues even then: the event store keeps the events,
 * so they can be sent again.
 */
export class TopicWatch {
  readonly #options: TopicWatchOptions;
  #danger: string | undefined;

  constructor(options: TopicWatchOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { everyMs, log } = this.#options;
    const onFailure = (err: unknown) => log.debug({ err }, 'The settings of the topic could not be read');
    await repeat({ everyMs, signal, onFailure }, () => this.#look());
  }

  /** The state for readiness. Anyone may read it, so details are only in the log. */
  state(): DependencyState {
    if (this.#danger === undefined) return { status: 'up' };
    return { status: 'up', detail: 'The topic can lose events: the log says why, and which command corrects it' };
  }

  async #look(): Promise<void> {
    const { findDangers, log } = this.#options;
    const danger = await findDangers();
    if (danger !== undefined && danger !== this.#danger) log.warn({}, danger);
    if (danger === undefined && this.#danger !== undefined) log.info('The topic can no longer lose events');
    this.#danger = danger;
  }
}
