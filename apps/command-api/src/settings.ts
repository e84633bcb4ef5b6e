import { auth, corsOrigins, limits, postgresDsn, type Setting, serviceSettings } from '@catalogue/service';

/** The subject (`by` in the history) that alone may send the request ids of promotions' steps; everybody may if empty. */
const promotionsSubject: Setting<string> = {
  variable: 'PROMOTIONS_SUBJECT',
  example: 'promotions',
  fallback: '',
  parse: (text) => text,
};

export const settings = {
  ...serviceSettings(8080),
  writeDb: postgresDsn('WRITE_DB_DSN'),
  corsOrigins,
  auth,
  limits,
  promotionsSubject,
};
