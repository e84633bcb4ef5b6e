import { type EventDefinitions, versionsWithoutUpcaster } from '../event-definition.ts';
import type { Schema } from './breakage.ts';
import { incompatibilities } from './incompatibilities.ts';

/** The recorded schemas of the last release, named as the envelopes are, and `<Type>.v<N>`. */
export interface Release {
  schemas: ReadonlyMap<string, Schema>;
  samples: ReadonlySet<string>;
}

/** The contract of the current code. */
export interface Contract {
  definitions: EventDefinitions;
  /** By name. */
  envelopes: Readonly<Record<string, Schema>>;
}

/**
 * The differences between code and last release, a sentence each.
 * - `unfinished`: a file or upcaster is missing.
 * - `unrecorded`: there is no recorded schema to compare with.
 * - `breaking`: a break, and for whom.
 */
export interface Findings {
  unfinished: string[];
  unrecorded: string[];
  breaking: string[];
}

/** Compares the contract with the last release. */
export function findBreaks(release: Release, contract: Contract): Findings {
  const types = Object.entries(contract.definitions);
  return {
    unfinished: types.flatMap(([type]) => findUnfinished(type, release, contract)),
    unrecorded: [
      ...Object.keys(contract.envelopes),
      ...types.flatMap(([type, { schemaVersion }]) => neededSchemas(type, schemaVersion)),
    ]
      .filter((name) => !release.schemas.has(name))
      .map((name) => `${title(name)}: there is no schemas/${name}.json: npm run contracts:accept records it`),
    breaking: [...release.schemas].flatMap(([name, stored]) => findBreaking(name, stored, contract)),
  };
}

/** The first version of a type must be recorded at once, so that a lost file is noticed; a later one with its release. */
function neededSchemas(type: string, schemaVersion: number): string[] {
  return schemaVersion === 1 ? [`${type}.v1`] : [];
}

function findUnfinished(type: string, { schemas, samples }: Release, { definitions }: Contract): string[] {
  const definition = definitions[type];
  if (definition === undefined) return [];
  const versions = Array.from({ length: definition.schemaVersion }, (_, index) => index + 1);
  return [
    ...versionsWithoutUpcaster(definition).map(
      (from) => `${type} v${from + 1}: there is no upcaster from version ${from}: stored events could not be read`,
    ),
    ...versions
      .filter((version) => !samples.has(`${type}.v${version}`))
      .map((version) => `${type} v${version}: there is no sample of it: write samples/${type}.v${version}.json`),
    ...versions
      .filter((version) => version < definition.schemaVersion && !schemas.has(`${type}.v${version}`))
      .map((version) => `${type} v${version}: there is no schemas/${type}.v${version}.json: versions come one by one`),
  ];
}

function findBreaking(name: string, stored: Schema, { definitions, envelopes }: Contract): string[] {
  const envelope = envelopes[name];
  if (envelope !== undefined) return incompatibilities(stored, envelope).map((sentence) => `${name}: ${sentence}`);
  const { type, version } = parse(name);
  const current = definitions[type];
  const readers = 'consumers released from now on (query-worker in a rebuild, command-api when it loads a product)';
  if (current === undefined)
    return [`${title(name)}: the type was removed: ${readers} no longer know stored events of it`];
  if (version > current.schemaVersion)
    return [`${title(name)}: the version was taken back: ${readers} do not know stored events of it`];
  // Events of an older version are read through the upcasters and no longer written.
  if (version < current.schemaVersion) return [];
  return incompatibilities(stored, current.payload).map((sentence) => `${title(name)}: ${sentence}`);
}

/** The schemas to record when the contract is released. Those of older versions stay. */
export function schemasToRecord({ definitions, envelopes }: Contract): Map<string, Schema> {
  const types = Object.entries(definitions);
  return new Map<string, Schema>([
    ...Object.entries(envelopes),
    ...types.map(([type, { schemaVersion, payload }]) => [`${type}.v${schemaVersion}`, payload] as const),
  ]);
}

/** True for a recorded schema that no type or version needs; accepted breaks leave such schemas behind. */
export function isObsolete(name: string, { definitions, envelopes }: Contract): boolean {
  const { type, version } = parse(name);
  const known = definitions[type]?.schemaVersion;
  return !(name in envelopes) && (known === undefined || version > known);
}

function parse(name: string): { type: string; version: number } {
  const [, type = name, version = ''] = /^(.+)\.v(\d+)$/.exec(name) ?? [];
  return { type, version: Number(version) };
}

function title(name: string): string {
  return name.replace('.v', ' v');
}
