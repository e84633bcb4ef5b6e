import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';

const hashes = { 'SCRAM-SHA-256': 'sha256', 'SCRAM-SHA-512': 'sha512' } as const;
/** Java's broker stores 4 096. The limit keeps a false broker from occupying this process for minutes. */
const maxIterations = 1_000_000;

/** The client's side of a SCRAM exchange without channel binding (RFC 5802). */
export class Scram {
  readonly #hash: string;
  readonly #password: string;
  readonly #firstBare: string;
  readonly #nonce: string;
  #serverSignature = Buffer.alloc(0);

  constructor(
    mechanism: keyof typeof hashes,
    username: string,
    password: string,
    nonce = randomBytes(24).toString('base64'),
  ) {
    this.#hash = hashes[mechanism];
    this.#password = password;
    this.#nonce = nonce;
    this.#firstBare = `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
  }

  first(): string {
    return `n,,${this.#firstBare}`;
  }

  /**
   * Answers the server's challenge.
   * @throws if the challenge is malformed, or belongs to another exchange.
   */
  final(challenge: string): string {
    const [, nonce = '', salt = '', rounds = ''] = /^r=([^,]+),s=([^,]+),i=(\d+)/.exec(challenge) ?? [];
    const iterations = Number(rounds);
    if (!nonce.startsWith(this.#nonce) || nonce === this.#nonce || iterations < 1 || iterations > maxIterations) {
      throw new Error('The broker sent no valid SCRAM challenge');
    }
    const length = createHash(this.#hash).digest().length;
    const salted = pbkdf2Sync(this.#password, Buffer.from(salt, 'base64'), iterations, length, this.#hash);
    const withoutProof = `c=biws,r=${nonce}`;
    const exchange = `${this.#firstBare},${challenge},${withoutProof}`;
    const clientKey = this.#hmac(salted, 'Client Key');
    const signature = this.#hmac(createHash(this.#hash).update(clientKey).digest(), exchange);
    const proof = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0));
    this.#serverSignature = this.#hmac(this.#hmac(salted, 'Server Key'), exchange);
    return `${withoutProof},p=${Buffer.from(proof).toString('base64')}`;
  }

  /** @throws if the server does not prove that it also knows the password. */
  verify(outcome: string): void {
    const proof = Buffer.from(/^v=([^,]+)/.exec(outcome)?.[1] ?? '', 'base64');
    const expected = this.#serverSignature;
    if (proof.length === 0 || proof.length !== expected.length || !timingSafeEqual(proof, expected)) {
      throw new Error('The broker did not prove that it knows the password');
    }
  }

  #hmac(key: Buffer, text: string): Buffer<ArrayBuffer> {
    return createHmac(this.#hash, key).update(text).digest();
  }
}
