import { readFileSync } from 'node:fs';
import { type TSchema, Type } from '@sinclair/typebox';
import { describe, expect, test } from 'vitest';
import { contract as current } from './compatibility/contract.ts';
import { type Contract, findBreaks, isObsolete, type Release, schemasToRecord } from './compatibility/gate.ts';
import { eventReference } from './compatibility/reference.ts';
import { readRelease } from './compatibility/release.ts';
import type { EventDefinition } from './event-definition.ts';

describe('since the last release (README.md says what to do when one of these fails)', () => {
  const findings = findBreaks(readRelease(), current);
  test('no change breaks a consumer', () => expect(findings.breaking).toEqual([]));
  test('every version has an upcaster to the next, a sample, and a schema', () => {
    expect(findings.unfinished).toEqual([]);
  });
  test('the first version of every type, and the envelopes, are recorded', () => {
    expect(findings.unrecorded).toEqual([]);
  });
});

const name = Type.String({ minLength: 1 });
const first: EventDefinition = { schemaVersion: 1, payload: Type.Object({ name }) };
const renamed: TSchema = Type.Object({ title: name });
const second: EventDefinition = { schemaVersion: 2, payload: renamed, upcasters: { 1: (it) => ({ title: it.name }) } };
const third: EventDefinition = { ...second, schemaVersion: 3, upcasters: { ...second.upcasters, 2: (it) => it } };

const contract = (Named: EventDefinition, Envelope: TSchema = Type.Object({ id: name })): Contract => ({
  definitions: { Named },
  envelopes: { Envelope },
});
const release = (samples: string[], schemas = schemasToRecord(contract(first))): Release => ({
  schemas,
  samples: new Set(samples),
});
const none = { unfinished: [], unrecorded: [], breaking: [] };

describe('the gate', () => {
  test('accepts an unchanged contract', () => {
    expect(findBreaks(release(['Named.v1']), contract(first))).toEqual(none);
  });
  test('accepts a new optional member', () => {
    const more = { schemaVersion: 1, payload: Type.Object({ name, colour: Type.Optional(name) }) };
    expect(findBreaks(release(['Named.v1']), contract(more))).toEqual(none);
  });
  test('names each break of a change within a version, and its place', () => {
    const { breaking } = findBreaks(release(['Named.v1']), contract({ ...first, payload: Type.Object({}) }));
    expect(breaking).toEqual([
      expect.stringContaining('Named v1: `name` was removed: consumers that were released with it'),
    ]);
  });
  test('names each break of a change of the envelope', () => {
    const { breaking } = findBreaks(release(['Named.v1']), contract(first, Type.Object({})));
    expect(breaking).toEqual([expect.stringContaining('Envelope: `id` was removed')]);
  });
  test('accepts a new version with an upcaster and a sample', () => {
    expect(findBreaks(release(['Named.v1', 'Named.v2']), contract(second))).toEqual(none);
  });
  test('requires an upcaster of a new version', () => {
    const { unfinished } = findBreaks(release(['Named.v1', 'Named.v2']), contract({ ...second, upcasters: {} }));
    expect(unfinished).toEqual(['Named v2: there is no upcaster from version 1: stored events could not be read']);
  });
  test('requires a sample of a new version', () => {
    const { unfinished } = findBreaks(release(['Named.v1']), contract(second));
    expect(unfinished).toEqual(['Named v2: there is no sample of it: write samples/Named.v2.json']);
  });
  test('compares a recorded new version with itself', () => {
    const recorded = new Map([...release([]).schemas, ...schemasToRecord(contract(second))]);
    const samples = ['Named.v1', 'Named.v2'];
    expect(findBreaks(release(samples, recorded), contract(second))).toEqual(none);
    const { breaking } = findBreaks(release(samples, recorded), contract({ ...second, payload: first.payload }));
    expect(breaking).toEqual([
      expect.stringContaining('Named v2: `title` was removed'),
      expect.stringContaining('Named v2: `name` is new and required'),
    ]);
  });
  test('requires each version to be recorded before the next', () => {
    const { unfinished } = findBreaks(release(['Named.v1', 'Named.v2', 'Named.v3']), contract(third));
    expect(unfinished).toEqual(['Named v2: there is no schemas/Named.v2.json: versions come one by one']);
  });
  test('reports a removed type and a removed version', () => {
    const recorded = new Map([...schemasToRecord(contract(second)), ['Gone.v1', renamed] as const]);
    expect(findBreaks(release(['Named.v1'], recorded), contract(first)).breaking).toEqual([
      expect.stringContaining('Named v2: the version was taken back'),
      expect.stringContaining('Gone v1: the type was removed'),
    ]);
  });
  test('reports schemas that are not recorded', () => {
    expect(findBreaks(release(['Named.v1'], new Map()), contract(first)).unrecorded).toEqual([
      'Envelope: there is no schemas/Envelope.json: npm run contracts:accept records it',
      'Named v1: there is no schemas/Named.v1.json: npm run contracts:accept records it',
    ]);
  });
});

test('the envelope and the newest version of each type are recorded, and older versions are kept', () => {
  expect([...schemasToRecord(contract(second)).keys()]).toEqual(['Envelope', 'Named.v2']);
  const isLeft = (file: string) => !isObsolete(file, contract(second));
  expect(['Envelope', 'Named.v1', 'Named.v2', 'Named.v3', 'Gone.v1'].filter(isLeft)).toEqual([
    'Envelope',
    'Named.v1',
    'Named.v2',
  ]);
});

/** Without what a formatter decides: the width of columns and where lines end. */
const words = (text: string) => text.replaceAll(/-{3,}/g, '-').split(/\s+/);

test('the reference of the events is what the schemas say: npm run contracts:accept writes it', () => {
  const page = readFileSync(new URL('../../../docs/reference/event-fields.md', import.meta.url), 'utf8');
  expect(words(page)).toEqual(words(eventReference(readRelease().samples)));
});
