import { isProblem, type PromotionProgress, type Promotions } from '@catalogue/client';
import { SignedOut } from './signed-out.ts';

export interface PromotionNewsOptions {
  promotions: Promotions;
  heard: (promotion: PromotionProgress) => void;
  /** Called when changes may have been missed. */
  missed: () => void;
}

/** The stream of promotions. The page asks by itself while it is not live. */
export class PromotionNews {
  readonly #options: PromotionNewsOptions;
  #isLive = false;

  constructor(options: PromotionNewsOptions) {
    this.#options = options;
  }

  get isLive(): boolean {
    return this.#isLive;
  }

  /** Follows the stream until the signal is aborted. */
  async follow(signal: AbortSignal): Promise<void> {
    const { promotions, heard, missed } = this.#options;
    const onConnection = (state: 'live' | 'lost') => {
      this.#isLive = state === 'live';
      missed();
    };
    try {
      for await (const event of promotions.stream({ signal, onConnection })) {
        if (event.type === 'promotion') heard(event.promotion);
        else missed();
      }
    } catch (error) {
      // An older promotions has no stream.
      if (!isProblem(error) && !(error instanceof SignedOut)) throw error;
    }
    if (!signal.aborted) this.#isLive = false;
  }
}
