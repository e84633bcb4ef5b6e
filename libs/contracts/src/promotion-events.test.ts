import './formats.ts';
import { readdirSync, readFileSync } from 'node:fs';
import { Value } from '@sinclair/typebox/value';
import { expect, test } from 'vitest';
import { PromotionEnvelope, promotionEvents } from './promotion-events.ts';

const samples = new URL('../samples/', import.meta.url);
const files = readdirSync(samples).filter((file) => /^Promotion.*\.json$/.test(file));
const read = (file: string) => JSON.parse(readFileSync(new URL(file, samples), 'utf8')) as PromotionEnvelope;

test.each(files)('%s is an event of a promotion', (file) => {
  const [type = '', version] = file.split('.');
  const event = read(file);
  expect([event.type, `v${event.schemaVersion}`]).toEqual([type, version]);
  expect([...Value.Errors(PromotionEnvelope, event)]).toEqual([]);
  const definition = promotionEvents[type as keyof typeof promotionEvents];
  expect([...Value.Errors(definition.payload, event.payload)]).toEqual([]);
});

test('every event of a promotion has a sample', () => {
  expect(files.toSorted()).toEqual(
    Object.keys(promotionEvents)
      .map((type) => `${type}.v1.json`)
      .toSorted(),
  );
});
