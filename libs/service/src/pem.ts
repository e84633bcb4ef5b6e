import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Setting } from './settings.ts';

/** Text in PEM format. Error messages never repeat it. */
export function pem(variable: string, isValid: (text: string) => boolean): Setting<string> {
  return {
    variable,
    example: '"$(cat file.pem)"',
    parse: (text) => {
      if (!isValid(text)) throw new Error('must be text in PEM format');
      return text;
    },
  };
}

export function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).raw.length > 0;
  } catch {
    return false;
  }
}

/** An encrypted key would need a passphrase. */
export function isKey(text: string): boolean {
  try {
    return createPrivateKey(text).type === 'private';
  } catch {
    return false;
  }
}
