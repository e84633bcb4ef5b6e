export { withArchive } from './class-archive.ts';
export { temporaryHome } from './home.ts';
export {
  type KafkaOptions,
  type KafkaServer,
  newClusterId,
  runKafkaAcls,
  runKafkaConfigs,
  runKafkaFeatures,
  startKafka,
} from './kafka.ts';
export { kafkaLibs } from './kafka-libs.ts';
export { freePort, requireFreePort } from './ports.ts';
export { type PostgresVersion, databaseUser, plannedPostgresVersions, postgresVersionOf } from './postgres-programs.ts';
export { type PostgresOptions, type PostgresServer, startPostgres } from './postgres.ts';
export { archiveRegistry, type RegistryServer, startRegistry } from './registry.ts';
export { boundToParent, type ServerProcess } from './server-process.ts';
export { healthOf } from './services.ts';
export { readSettings } from './settings.ts';
export { welcome } from './welcome.ts';
