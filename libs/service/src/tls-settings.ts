import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { isCertificate, isKey, pem } from './pem.ts';
import { type Environment, parseSettings, type Setting, textOf } from './settings.ts';

/** How a server proves who it is, as PEM texts. */
export interface Certificate {
  /** Its certificate, followed by those between it and the authority. */
  cert: string;
  key: string;
}

export interface TlsSettings extends Certificate {
  /** Reads the files again. Throws if they do not hold a certificate and its key. Absent where the texts cannot change. */
  reread?: () => Certificate;
}

const [certVariable, keyVariable] = ['TLS_CERT', 'TLS_KEY'];

/** The certificate of the service's listeners, which speak HTTP without one. Error messages never repeat it. */
export const tls: Setting<TlsSettings | undefined> = {
  variable: certVariable,
  example: '"$(cat file.pem)"',
  parse: (text, env = {}) => {
    const certificate = certificateOf(text, env);
    const isFile = [certVariable, keyVariable].some((variable) => (env[`${variable}_FILE`]?.trim() ?? '') !== '');
    return isFile ? { ...certificate, reread: () => reread(env) } : certificate;
  },
  absent: (env) => {
    if (textOf(keyVariable, env) !== '') throw new Error(`is missing, and ${keyVariable} is set: set both or neither`);
    return undefined;
  },
  warning: (env) => {
    const cert = textOf(certVariable, env);
    return cert === '' ? undefined : faultOfDates(cert);
  },
};

function reread(env: Environment): Certificate {
  const { certificate } = parseSettings({ certificate: tls }, env);
  if (certificate === undefined) throw new Error(`${certVariable} is missing`);
  return { cert: certificate.cert, key: certificate.key };
}

function certificateOf(text: string, env: Environment): Certificate {
  const cert = pem(certVariable, isCertificate).parse(text);
  const { key } = parseSettings({ key: privateKey }, env);
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
    throw new Error(`does not fit ${keyVariable}: the first certificate must be that of the key`);
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    // OpenSSL's reason repeats no text: "ee key too small", or "wrong tag" for a broken certificate of the chain.
    const { reason = 'no reason given' } = error as { reason?: string };
    throw new Error(`cannot be used by TLS (${reason})`, { cause: error });
  }
  return { cert, key };
}

const privateKey: Setting<string> = {
  ...pem(keyVariable, isKey),
  parse: (text) => {
    if (text.includes('ENCRYPTED')) throw new Error('is encrypted: remove its passphrase, for example by openssl pkey');
    return pem(keyVariable, isKey).parse(text);
  },
};

/** Why clients refuse a certificate at this time; undefined if they do not. */
export function faultOfDates(cert: string): string | undefined {
  const { validFromDate, validToDate } = new X509Certificate(cert);
  const now = Date.now();
  if (validToDate.getTime() < now) return `expired at ${validToDate.toISOString()}: clients will refuse it`;
  if (validFromDate.getTime() > now)
    return `is not valid before ${validFromDate.toISOString()}: clients will refuse it`;
  return undefined;
}
