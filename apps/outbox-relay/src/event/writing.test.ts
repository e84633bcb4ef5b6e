import { expect, test } from 'vitest';
import { eventKinds } from './kind.ts';
import { openWriting } from './writing.ts';

// fetch refuses to connect to this port.
const address = { url: 'http://127.0.0.1:9', user: '', password: '' };

test('messages in Avro have no header that names the schema, because the value begins with its id', async () => {
  const { schemaIds } = openWriting('avro', address, eventKinds.products, 'events.avro');
  await schemaIds.ask();
  expect(schemaIds.headersOf('ProductCreated', 1)).toBeUndefined();
});

test('for messages in JSON the registry is asked', async () => {
  const { schemaIds } = openWriting('json', address, eventKinds.products, 'events');
  await expect(schemaIds.ask()).rejects.toMatchObject({ reason: 'away' });
});
