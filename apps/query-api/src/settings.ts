import { auth, commandApiUrl, corsOrigins, postgresDsn, pricesUrl, serviceSettings } from '@catalogue/service';

export const settings = {
  ...serviceSettings(8081),
  readDb: postgresDsn('READ_DB_DSN'),
  corsOrigins,
  auth,
  commandApiUrl,
  pricesUrl,
};
