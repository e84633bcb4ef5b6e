import { defaultTopic } from '@catalogue/contracts';
import {
  auth,
  commandApiUrl,
  corsOrigins,
  kafkaBrokers,
  kafkaTopic,
  limits,
  postgresDsn,
  serviceSettings,
  type Setting,
} from '@catalogue/service';

/** The file with the access token for command-api. It is rewritten when the token is renewed. Empty if there is no file. */
const tokenFile: Setting<string> = {
  variable: 'COMMAND_API_TOKEN_FILE',
  example: '/run/secrets/command-api-token',
  fallback: '',
  parse: (text) => text,
};

/** What the service reads from its environment. */
export const settings = {
  brokers: kafkaBrokers,
  topic: kafkaTopic(defaultTopic),
  readDb: postgresDsn('PROMOTIONS_DB_DSN'),
  commandApiUrl,
  tokenFile,
  corsOrigins,
  auth,
  limits,
  ...serviceSettings(8085),
};
