/** A step of a promotion: the request id of the command that promotions sends, and the correlation id of its event. */
export interface StepId {
  promotion: string;
  product: string;
  phase: 'apply' | 'give-back';
  /** The version that the command expects; its event has the next one. */
  version: number;
}

const form = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/([^/].{0,63})\/(apply|give-back)\/(\d{1,10})$/s;

/**
 * `<promotion>/<product>/<phase>/<version>`. A step that lost against another change expects another version when it is
 * tried again, so it is another command.
 */
export function formatStepId({ promotion, product, phase, version }: StepId): string {
  return `${promotion}/${product}/${phase}/${version}`;
}

/**
 * The step that a request id or correlation id names; undefined for any other. It is no proof: with a right to write,
 * anyone could send it, unless command-api knows the subject of promotions (`PROMOTIONS_SUBJECT`).
 */
export function parseStepId(id: string | undefined): StepId | undefined {
  const [, promotion, product, phase, version] = form.exec(id ?? '') ?? [];
  if (promotion === undefined || product === undefined) return undefined;
  return { promotion, product, phase: phase as StepId['phase'], version: Number(version) };
}

/**
 * The step whose event this is; undefined if no step made it. A correlation id that names another product or version is
 * a copied request id.
 */
export function stepOf(event: {
  productId: string;
  productVersion: number;
  correlationId?: string | undefined;
}): StepId | undefined {
  const step = parseStepId(event.correlationId);
  return step?.product === event.productId && step.version === event.productVersion - 1 ? step : undefined;
}
