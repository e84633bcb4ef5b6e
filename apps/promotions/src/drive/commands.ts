import { Catalogue, CatalogueUnreachable, isProblem } from '@catalogue/client';
import type { ClientCredentials, Logger } from '@catalogue/service';
import type { Step, StepAnswer } from '../tables/steps.ts';
import { Credentials, TokenUnreadable } from './credentials.ts';
import { smallFetch } from './small-fetch.ts';

/** Milliseconds for one command, with the client's retries: shorter than a promotion is held. */
const timeout = 5_000;

interface CommandOptions {
  /** The file with the token; empty or absent without one. */
  tokenFile?: string;
  /** Gets tokens from an issuer, in place of a file. */
  tokenClient?: ClientCredentials | undefined;
  log: Logger;
}

/** Opens a client of command-api that also sends its idempotency keys as request ids: so each event names its step. */
export function openCommands(commandApiUrl: string, { tokenFile = '', tokenClient, log }: CommandOptions): Catalogue {
  const credentials = new Credentials({ file: tokenFile, client: tokenClient }, log);
  const fetch = smallFetch();
  return new Catalogue({
    commands: commandApiUrl,
    // Not used: prices come from the service's own projection.
    queries: commandApiUrl,
    readYourWrites: false,
    timeout,
    ...(tokenFile === '' && tokenClient === undefined ? {} : { token: () => credentials.token() }),
    fetch: async (url, init) => {
      const headers = new Headers(init?.headers);
      const step = headers.get('idempotency-key');
      if (step !== null) headers.set('x-request-id', step);
      const response = await fetch(url, { ...init, headers }).catch((error: unknown) => {
        credentials.unreached(error);
        throw error;
      });
      credentials.answered(response.status, headers.get('authorization')?.slice('Bearer '.length) ?? '');
      return response;
    },
  });
}

/**
 * Sends the command of a step. It changes the product only at the version that the step expects, so it can be sent
 * again at any time.
 * @param before the last moment to send it, on the clock of `performance.now()`.
 * @returns undefined if command-api did not decide: the step stays as it is.
 */
export async function sendStep(
  catalogue: Catalogue,
  step: Step,
  stop: AbortSignal,
  before = Infinity,
): Promise<StepAnswer | undefined> {
  // A timer can fire up to a millisecond early.
  const ms = Math.ceil(Math.max(0, before - performance.now())) + 1;
  const signal = ms < timeout ? AbortSignal.any([stop, AbortSignal.timeout(ms)]) : stop;
  const answer = (outcome: StepAnswer['outcome'], reason: string | null = null): StepAnswer => {
    return { product: step.product, step: step.step, outcome, reason };
  };
  try {
    const options = { idempotencyKey: step.step, ifMatch: step.stepVersion, signal };
    const { id, version } = await catalogue.change(step.product, { price: step.cents / 100 }, options);
    // Something else answered, such as a proxy.
    if (id !== step.product) return undefined;
    if (version !== step.stepVersion) return answer('answered');
    return answer(step.prevents ? 'prevented' : 'unchanged');
  } catch (error) {
    if (signal.aborted) return undefined;
    // The product is at a later version. The event may be that of this step: the answer to an earlier try may be lost.
    if (isProblem(error, 'version-mismatch')) return answer('answered');
    if (step.state === 'applying' && isProblem(error, 'key-reused')) {
      // Either an earlier command with this key applied the price, and its event will come, or another process prevented it.
      return step.prevents ? answer('answered') : answer('prevented', error.title);
    }
    // A fault of command-api, perhaps only with this product: the others go on.
    if (isProblem(error, 'internal')) return answer('retry', error.message);
    if (isProblem(error, ...refusals)) {
      if (step.state === 'applying') return answer('refused', error.title);
      return error.type === 'product-discontinued' ? answer('gone') : answer('retry', error.message);
    }
    // Overloaded, credentials that an operator corrects, or the answer of a proxy.
    const isUndecided = error instanceof CatalogueUnreachable || error instanceof TokenUnreadable || isProblem(error);
    if (isUndecided) return undefined;
    throw error;
  }
}

/** The problems by which command-api decides about a product. Any other problem says nothing about the product. */
const refusals = ['not-found', 'product-discontinued', 'invalid-request', 'key-reused'] as const;
