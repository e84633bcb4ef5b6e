import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { settings } from './settings.ts';

test('a token file that cannot be read yet is a warning, because it may be written later', () => {
  const warningFor = (file: string) => settings.tokenFile.warning?.({ COMMAND_API_TOKEN_FILE: file });
  expect(warningFor('/nowhere/token')).toBe('names a file that cannot be read now: /nowhere/token');
  expect(warningFor('/tmp')).toContain('cannot be read');
  expect(warningFor(fileURLToPath(import.meta.url))).toBeUndefined();
  expect(warningFor('')).toBeUndefined();
});
