import type { TSchema } from '@sinclair/typebox';
import { defaultTopic } from '../envelope.ts';
import { promotionTopic } from '../promotion-events.ts';
import { productContract, promotionContract, type TopicContract } from '../topic-contract.ts';

const topics: [topic: string, contract: TopicContract][] = [
  [defaultTopic, productContract],
  [promotionTopic, promotionContract],
];

/** The page docs/reference/event-fields.md: every event of this release, its fields, its versions and its subjects. */
export function eventReference(samples: ReadonlySet<string>): string {
  return [
    '# Fields of the events',
    'Written by `npm run contracts:accept` from the schemas in\n[libs/contracts](../../libs/contracts/README.md).',
    'A consumer finds the rules of the topic in [events](events.md).',
    ...topics.flatMap(([topic, contract]) => [
      `## \`${topic}\``,
      'These members are the same in every type of event.',
      tableOf(contract.envelope),
      ...Object.entries(contract.definitions).flatMap(([type, { schemaVersion, payload }]) => [
        `### \`${type}\``,
        tableOf(payload),
        listOf(topic, type, schemaVersion, samples),
      ]),
    ]),
    '',
  ].join('\n\n');
}

/** The versions, newest first, and the names in a schema registry. */
function listOf(topic: string, type: string, newest: number, samples: ReadonlySet<string>): string {
  const versions = Array.from({ length: newest }, (_, index) => newest - index).map((version) => {
    const name = `${type}.v${version}`;
    const sample = samples.has(name) ? `,\n  [sample](../../libs/contracts/samples/${name}.json)` : '';
    return `- Version ${version}: [JSON Schema](../../libs/contracts/schemas/${name}.json)${sample}`;
  });
  const subjects = `- Subjects: \`${topic}-${type}\`;\n  in Avro \`${topic}.avro-catalogue.${type}\``;
  return [...versions, subjects].join('\n');
}

function tableOf(schema: TSchema): string {
  const rows = rowsOf(schema, '').map((cells) => `| ${cells.join(' | ')} |`);
  return ['| Member | Type | Required | Limits | Example |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
}

function rowsOf({ properties, required = [] }: TSchema, above: string): string[][] {
  return Object.entries(properties as Record<string, TSchema>).flatMap(([name, schema]) => {
    const path = `${above}${name}`;
    const isRequired = (required as string[]).includes(name) ? 'yes' : 'no';
    const [example] = (schema.examples ?? []) as unknown[];
    const shown = example === undefined ? '' : `\`${JSON.stringify(example)}\``;
    const row = [`\`${path}\``, typeOf(schema), isRequired, limitsOf(schema), shown];
    return [row, ...(schema.type === 'object' ? rowsOf(schema, `${path}.`) : [])];
  });
}

function typeOf({ type, format, anyOf }: TSchema): string {
  if (Array.isArray(anyOf))
    return (anyOf as TSchema[]).map(({ const: word }) => `\`${JSON.stringify(word)}\``).join(' or ');
  return format === undefined ? String(type) : `${String(type)} (${String(format)})`;
}

const limits = ['minimum', 'maximum', 'minLength', 'maxLength'] as const;

function limitsOf(schema: TSchema): string {
  const found = limits.filter((keyword) => schema[keyword] !== undefined);
  const texts = found.map((keyword) => `${keyword} ${String(schema[keyword])}`);
  return [...texts, ...(schema.description === undefined ? [] : [schema.description])].join('; ');
}
