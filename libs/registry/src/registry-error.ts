/** The registry's address and the credentials; none are sent if the user is empty. */
export interface RegistryAddress {
  url: string;
  user: string;
  password: string;
}

const sentences = {
  away: 'The schema registry is unavailable',
  slow: 'The schema registry is too slow',
  unauthorized: 'The schema registry refuses the credentials',
  'no-registry': 'SCHEMA_REGISTRY_URL is no schema registry',
  'not-found': 'The schema registry has no such schema',
  incompatible: 'The schema registry refuses the schema',
  invalid: 'The schema registry cannot read the schema',
};

/** Why the registry gave no answer. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly reason: keyof typeof sentences;

  constructor(reason: keyof typeof sentences, detail: string, options?: ErrorOptions) {
    super(`${sentences[reason]}: ${detail}`, options);
    this.reason = reason;
  }
}
