import { expect, test } from 'vitest';
import { schemaHeaders } from './schema-headers.ts';

// GUID and bytes from the test "schema guid" in confluentinc/confluent-kafka-javascript.
const guid = '89791762-2336-4186-9674-299b90a802e2';
const bytes = Buffer.from('0189791762233641869674299b90a802e2', 'hex');

test.each([guid, guid.toUpperCase()])('the GUID %s is sent in the form of Confluent’s header', (written) => {
  expect(schemaHeaders({ id: 4_294_967_295, guid: written })).toEqual({
    'schema-id': '4294967295',
    __value_schema_id: bytes,
  });
});

test('without a GUID there is only our header', () => {
  expect(schemaHeaders({ id: 7 })).toEqual({ 'schema-id': '7' });
});
