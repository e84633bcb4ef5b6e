import { type DependencyState, type Logger, repeat } from '@catalogue/service';

export interface TopicWatchOptions {
  /** Resolves with how the topic can lose events, and what mends it; with undefined when it cannot. */
  findDangers: () => Promise<string | undefined>;
  everyMs: number;
  log: Logger;
}

/**
 * Looks again and again whether the topic can lose events. The relay goes on all the same: the event store keeps them, and
 * they can be sent again.
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

  /** For readiness, which is read by strangers: the log tells more. */
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
