/** The effective settings of a topic, by name, and its replicas. */
export interface TopicState {
  settings: ReadonlyMap<string, string>;
  /** Number of brokers in the cluster. */
  brokers: number;
  /** Replicas of the partition that has the fewest. */
  copies: number;
}

interface Rule {
  setting: string;
  isSafe: (value: string, state: TopicState) => boolean;
  /** The value that the fixing command sets. */
  wanted: (state: TopicState) => string;
  /** What happens with an unsafe value. */
  danger: string;
}

const enoughCopies = 3;
/** The largest request of our producer. */
const largestBatchBytes = 1_000_000;
const always = (value: string) => ({ isSafe: (found: string) => found === value, wanted: () => value });

const rules: Rule[] = [
  {
    setting: 'cleanup.policy',
    // From Kafka 4.2 on, an empty policy cleans nothing up.
    isSafe: (value) => value === 'delete' || value === '',
    wanted: () => 'delete',
    danger: 'all events of a product except the newest are removed',
  },
  { setting: 'retention.ms', ...always('-1'), danger: 'older events are removed' },
  { setting: 'retention.bytes', ...always('-1'), danger: 'the oldest events of a larger partition are removed' },
  {
    setting: 'unclean.leader.election.enable',
    ...always('false'),
    danger: 'a broker that lacks acknowledged events can become the leader, and these events are lost',
  },
  {
    setting: 'min.insync.replicas',
    isSafe: (value, { copies }) => Number(value) >= leastInSync(copies) && Number(value) <= copies,
    wanted: ({ copies }) => String(leastInSync(copies)),
    danger:
      'events are acknowledged when one broker has them (where it is too small), or never (where it is too large)',
  },
  {
    setting: 'max.message.bytes',
    isSafe: (value) => Number(value) >= largestBatchBytes,
    wanted: () => '1048588',
    danger: 'batches that outbox-relay sends are refused, again and again',
  },
];

/** Number of replicas: enough to survive the loss of a broker, if the cluster has enough brokers. */
export function wantedCopies(brokers: number): number {
  return Math.min(brokers, enoughCopies);
}

/** Replicas that must have an event before it is acknowledged: with 2 of 3, one broker may fail without a loss. */
function leastInSync(copies: number): number {
  return copies >= enoughCopies ? 2 : 1;
}

/** Settings with which a topic loses no event. */
export function safeSettings(copies: number): Record<string, string> {
  const state = { copies, brokers: copies, settings: new Map() };
  return Object.fromEntries(rules.map(({ setting, wanted }) => [setting, wanted(state)]));
}

/** Returns which settings and replicas can lose events, and the command that fixes them; undefined if none can. */
export function dangersOf(topic: string, bootstrap: string, state: TopicState): string | undefined {
  const { settings, brokers, copies } = state;
  const wrong = rules.filter(({ setting, isSafe }) => {
    const value = settings.get(setting);
    return value !== undefined && !isSafe(value, state);
  });
  const parts: string[] = [];
  if (copies < wantedCopies(brokers)) {
    parts.push(
      `Topic ${topic} has ${copies} copies on ${brokers} brokers, expected ${wantedCopies(brokers)}: the loss of a broker ` +
        'loses events. Mend it with a plan of new replicas (https://kafka.apache.org/documentation/' +
        `#basic_ops_increase_replication_factor): kafka-reassign-partitions.sh --bootstrap-server ${bootstrap} ` +
        '--reassignment-json-file <plan> --execute; while it is empty, delete it and migrate again.',
    );
  }
  if (wrong.length > 0) {
    const found = wrong.map(({ setting, danger }) => `${setting}=${settings.get(setting)}: ${danger}`).join('; ');
    const config = wrong.map(({ setting, wanted }) => `${setting}=${wanted(state)}`).join(',');
    parts.push(
      `Topic ${topic} can lose events (${found}). Mend it with: kafka-configs.sh --bootstrap-server ${bootstrap} ` +
        `--alter --entity-type topics --entity-name ${topic} --add-config ${config}`,
    );
  }
  return parts.length === 0 ? undefined : parts.join(' ');
}
