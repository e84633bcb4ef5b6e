import { choice, parseAddress, type Setting } from './settings.ts';

/** The form of the events that a producer writes. */
export const eventCodec = choice('EVENT_CODEC', 'json', ['json', 'avro']);

/** The schema registry; an empty address without one. */
export const registrySettings = {
  url: {
    variable: 'SCHEMA_REGISTRY_URL',
    example: 'http://localhost:8090/apis/ccompat/v7',
    fallback: '',
    parse: parseAddress,
  },
  user: text('SCHEMA_REGISTRY_USER', 'catalogue'),
  password: text('SCHEMA_REGISTRY_PASSWORD', 'secret'),
};

function text(variable: string, example: string): Setting<string> {
  return { variable, example, fallback: '', parse: (given) => given };
}
