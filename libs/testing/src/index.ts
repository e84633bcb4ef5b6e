export { runKafkaConfigs } from '@catalogue/local-stack';
export { createDatabase, type TestDatabase } from './database.ts';
export { type OwnKafka, startOwnKafka } from './own-kafka.ts';
export { type OwnKafkaCluster, startOwnKafkaCluster } from './own-kafka-cluster.ts';
export { type OwnPostgres, type Standby, startOwnPostgres } from './own-postgres.ts';
export { type OwnProcess, startProcess } from './own-process.ts';
export { type Decider, specify } from './specification.ts';
export { createTopic, readTopic, type TestTopic } from './topic.ts';
export { waitFor } from './wait-for.ts';
