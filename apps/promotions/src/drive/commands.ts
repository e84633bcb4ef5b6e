import { Catalogue, CatalogueUnreachable, isProblem } from '@catalogue/client';
import type { Step, StepAnswer } from '../tables/steps.ts';

/** Milliseconds for one command, with the client's retries: shorter than a promotion is held. */
const timeout = 5_000;

/** A client of command-api that sends its idempotency keys as request ids, too: so a step comes back with its event. */
export function openCommands(commandApiUrl: string): Catalogue {
  return new Catalogue({
    commands: commandApiUrl,
    // Not used: prices come from the service's own projection.
    queries: commandApiUrl,
    readYourWrites: false,
    timeout,
    fetch: async (url, init) => {
      const headers = new Headers(init?.headers);
      const step = headers.get('idempotency-key');
      if (step !== null) headers.set('x-request-id', step);
      return await globalThis.fetch(url, { ...init, headers });
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
    await catalogue.change(step.product, { price: step.cents / 100 }, options);
    return answer('answered');
  } catch (error) {
    if (error instanceof CatalogueUnreachable || signal.aborted) return undefined;
    if (!isProblem(error)) throw error;
    // The product has the next version already. Its event may be the step's: an earlier try of which the answer was lost.
    if (error.status === 412) return answer('answered');
    // Overloaded, a proxy's answer, or credentials that an operator corrects.
    if (error.status >= 500 || [401, 403, 407, 408, 429].includes(error.status)) return undefined;
    if (step.state === 'applying') return answer('refused', error.title);
    return error.type === 'product-discontinued' ? answer('gone') : answer('tried', error.message);
  }
}
