import { Catalogue, CatalogueUnreachable, isProblem } from '@catalogue/client';
import type { Logger } from '@catalogue/service';
import type { Step, StepAnswer } from '../tables/steps.ts';
import { Credentials, TokenUnreadable } from './credentials.ts';

/** Milliseconds for one command, with the client's retries: shorter than a promotion is held. */
const timeout = 5_000;

interface CommandOptions {
  /** The file with the token; without a token when empty or absent. */
  tokenFile?: string;
  log: Logger;
}

/** A client of command-api that sends its idempotency keys as request ids, too: so a step comes back with its event. */
export function openCommands(commandApiUrl: string, { tokenFile = '', log }: CommandOptions): Catalogue {
  const credentials = new Credentials(tokenFile, log);
  return new Catalogue({
    commands: commandApiUrl,
    // Not used: prices come from the service's own projection.
    queries: commandApiUrl,
    readYourWrites: false,
    timeout,
    ...(tokenFile === '' ? {} : { token: () => credentials.token() }),
    fetch: async (url, init) => {
      const headers = new Headers(init?.headers);
      const step = headers.get('idempotency-key');
      if (step !== null) headers.set('x-request-id', step);
      const response = await globalThis.fetch(url, { ...init, headers });
      credentials.answered(response.status);
      return response;
    },
  });
}

/**
 * Sends the command of a step. It changes the product only at the version that the step expects, so it can be sent again at any time.
 * @returns undefined while command-api does not decide: the step stays as it is.
 */
export async function sendStep(catalogue: Catalogue, step: Step, signal: AbortSignal): Promise<StepAnswer | undefined> {
  const answer = (outcome: StepAnswer['outcome'], reason: string | null = null): StepAnswer => {
    return { product: step.product, step: step.step, outcome, reason };
  };
  try {
    const options = { idempotencyKey: step.step, ifMatch: step.stepVersion, signal };
    const { id, version } = await catalogue.change(step.product, { price: step.cents / 100 }, options);
    // Something else answered, such as a proxy.
    if (id !== step.product) return undefined;
    return answer(version === step.stepVersion ? 'unchanged' : 'answered');
  } catch (error) {
    if (signal.aborted) return undefined;
    // The product has the next version already. Its event may be the step's: an earlier try of which the answer was lost.
    if (isProblem(error, 'version-mismatch')) return answer('answered');
    // A fault of command-api, perhaps only with this product: the others go on.
    if (isProblem(error, 'internal')) return answer('tried', error.message);
    if (isProblem(error, ...refusals)) {
      if (step.state === 'applying') return answer('refused', error.title);
      return error.type === 'product-discontinued' ? answer('gone') : answer('tried', error.message);
    }
    // Overloaded, credentials that an operator corrects, or the answer of a proxy.
    const isUndecided = error instanceof CatalogueUnreachable || error instanceof TokenUnreadable || isProblem(error);
    if (isUndecided) return undefined;
    throw error;
  }
}

/** What command-api decides about a product. Any other problem says nothing about it. */
const refusals = ['not-found', 'product-discontinued', 'invalid-request', 'key-reused'] as const;
