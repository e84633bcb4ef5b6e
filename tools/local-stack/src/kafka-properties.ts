/** The settings of a process that is broker and controller. */
export function kafkaProperties(port: number, controllerPort: number): Record<string, string> {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    // Relative to the folder that it is started in: an absolute path could contain a comma, which separates folders.
    'log.dirs': 'data',
    // A topic created by a misspelt name would have the wrong partitions and retention, and lose events.
    'auto.create.topics.enable': 'false',
    'num.partitions': '6',
    'offsets.topic.replication.factor': '1',
    // The default is 50, each a folder with files.
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    // A killed broker restarts in 3.9 s; in 11.9 s with the default of 9 000.
    'broker.session.timeout.ms': '2000',
    'broker.heartbeat.interval.ms': '500',
    // A killed consumer is noticed in 6 s instead of 45 s.
    'group.consumer.min.session.timeout.ms': '6000',
    'group.consumer.session.timeout.ms': '6000',
    'group.consumer.min.heartbeat.interval.ms': '1000',
    'group.consumer.heartbeat.interval.ms': '1000',
  };
}

/** The format that Java reads: `key=value` lines with doubled backslashes. */
export function propertiesFile(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('');
}
