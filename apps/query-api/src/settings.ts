import {
  auth,
  commandApiUrl,
  corsOrigins,
  limits,
  pageClientId,
  postgresDsn,
  pricesUrl,
  promotionsUrl,
  serviceSettings,
} from '@catalogue/service';

export const settings = {
  ...serviceSettings(8081),
  readDb: postgresDsn('READ_DB_DSN'),
  corsOrigins,
  auth,
  limits,
  commandApiUrl,
  pricesUrl,
  promotionsUrl,
  pageClientId,
};
