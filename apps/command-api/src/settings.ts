import { auth, corsOrigins, limits, postgresDsn, serviceSettings } from '@catalogue/service';

export const settings = {
  ...serviceSettings(8080),
  writeDb: postgresDsn('WRITE_DB_DSN'),
  corsOrigins,
  auth,
  limits,
};
