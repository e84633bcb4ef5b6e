import { expect, test } from 'vitest';
import { propertiesFile } from './kafka-properties.ts';

test('Java reads back the written properties', () => {
  expect(propertiesFile({ 'node.id': '1', path: 'C:\\data' })).toBe('node.id=1\npath=C:\\\\data\n');
});
