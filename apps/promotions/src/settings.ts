import { modelSettings } from '@catalogue/projection';
import {
  auth,
  clientCredentials,
  commandApiUrl,
  corsOrigins,
  isReadable,
  limits,
  type Setting,
} from '@catalogue/service';

/** The file with the access token for command-api. Another program replaces it when it renews the token. Empty without a file. */
const tokenFile: Setting<string> = {
  variable: 'COMMAND_API_TOKEN_FILE',
  example: '/run/secrets/command-api-token',
  fallback: '',
  parse: (text) => text,
  // It may be written later, so this is no fault.
  warning: ({ COMMAND_API_TOKEN_FILE: file = '' }) =>
    file.trim() === '' || isReadable(file.trim()) ? undefined : `names a file that cannot be read now: ${file.trim()}`,
};

/** The settings of the service. */
export const settings = {
  ...modelSettings('PROMOTIONS_DB_DSN', 8085),
  commandApiUrl,
  tokenFile,
  tokenClient: clientCredentials('COMMAND_API', 'catalogue:write'),
  corsOrigins,
  auth,
  limits,
};
