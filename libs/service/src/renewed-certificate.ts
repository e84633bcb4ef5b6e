import { X509Certificate } from 'node:crypto';
import type { RequestListener } from 'node:http';
import type { Server as HttpsServer, ServerOptions } from 'node:https';
import type { Logger } from './logger.ts';
import { certificateMetric, type Registry } from './metrics.ts';
import { contextOf, createTlsServer } from './tls-server.ts';
import { type Certificate, faultOfDates, type TlsSettings } from './tls-settings.ts';

const rereadEveryMs = 5_000;

/** The certificate of a process. While servers use it, its files are read again, and new connections get the new one. */
export class RenewedCertificate {
  readonly #tls: TlsSettings;
  readonly #log: Logger;
  readonly #servers = new Set<HttpsServer>();
  #current: Certificate;
  #faults = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(tls: TlsSettings, log: Logger, metrics: Registry) {
    this.#tls = tls;
    this.#current = tls;
    this.#log = log;
    certificateMetric(metrics, () => expiryOf(this.#current));
  }

  /** A server of HTTPS with this certificate. */
  createServer(options: ServerOptions, handler: RequestListener): HttpsServer {
    const server = createTlsServer(this.#current, options, handler);
    server.on('listening', () => this.#begin(server));
    server.on('close', () => this.#end(server));
    return server;
  }

  #begin(server: HttpsServer): void {
    server.setSecureContext(contextOf(this.#current));
    this.#servers.add(server);
    const { reread } = this.#tls;
    if (reread !== undefined) this.#timer ??= setInterval(() => this.#renew(reread), rereadEveryMs).unref();
  }

  #end(server: HttpsServer): void {
    this.#servers.delete(server);
    if (this.#servers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #renew(reread: () => Certificate): void {
    try {
      this.#replace(reread());
      this.#faults = 0;
    } catch (error) {
      this.#faults += 1;
      // The two files of a new certificate are not written at once, so a single failure may be a renewal under way.
      if (this.#faults !== 2) return;
      const { message } = error as Error;
      this.#log.warn(`The new TLS certificate cannot be used, so the old one stays: ${message}`);
    }
  }

  #replace(next: Certificate): void {
    const { cert, key } = this.#current;
    if (next.cert === cert && next.key === key) return;
    const fault = faultOfDates(next.cert);
    if (fault !== undefined && faultOfDates(cert) === undefined) throw new Error(`TLS_CERT ${fault}`);
    for (const server of this.#servers) server.setSecureContext(contextOf(next));
    this.#current = next;
    this.#log.info({ expires: expiryOf(next) }, 'New connections get the new TLS certificate');
  }
}

function expiryOf({ cert }: Certificate): Date {
  return new X509Certificate(cert).validToDate;
}
