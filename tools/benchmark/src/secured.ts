import { ServiceProcess, type ServiceName } from '@catalogue/acceptance';
import { freePort } from '@catalogue/local-stack';
import { audience, type Issuer, startIssuer } from '@catalogue/testing';

/** As many subjects as connections. */
const subjects = Array.from({ length: 32 }, (_, n) => `client-${n}`);
const tokenLifeSeconds = 7_200;

/** Services that require access tokens, and the tokens of their callers. */
export class Secured implements AsyncDisposable {
  readonly tokens: readonly string[];
  readonly #issuer: Issuer;
  readonly #services: ServiceProcess[] = [];

  private constructor(issuer: Issuer, tokens: readonly string[]) {
    this.#issuer = issuer;
    this.tokens = tokens;
  }

  static async open(): Promise<Secured> {
    const issuer = await startIssuer(subjects, tokenLifeSeconds);
    const scope = 'catalogue:read catalogue:write';
    return new Secured(issuer, await Promise.all(subjects.map((subject) => issuer.token(subject, scope))));
  }

  /** Starts another process of a service, with its settings. It runs until this is disposed of. */
  async start(name: ServiceName, settings: Record<string, string>): Promise<ServiceProcess> {
    const { AUTH: _, ...others } = settings;
    const service = new ServiceProcess(name, await freePort(), {
      ...others,
      AUTH_ISSUER: this.#issuer.url,
      AUTH_AUDIENCE: audience,
    });
    this.#services.push(service);
    await service.start();
    return service;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#services.map((service) => service.stop()));
    await this.#issuer[Symbol.asyncDispose]();
  }
}
