import { expect, test } from 'vitest';
import { dangersOf, safeSettings, type TopicState } from './topic-safety.ts';

const dangers = (changed: Record<string, string>, place: Partial<TopicState> = {}) => {
  const { copies = 3, brokers = 3 } = place;
  const settings = new Map(Object.entries({ ...safeSettings(copies), ...changed }));
  return dangersOf('events', 'kafka:9092', { settings, copies, brokers });
};

test('a topic with our settings is safe on any number of brokers', () => {
  for (const brokers of [1, 2, 3, 5]) expect(dangers({}, { brokers, copies: Math.min(brokers, 3) })).toBeUndefined();
});

test.each([
  ['cleanup.policy', 'compact', 'delete'],
  ['cleanup.policy', 'compact,delete', 'delete'],
  ['retention.ms', '604800000', '-1'],
  ['retention.bytes', '1073741824', '-1'],
  ['unclean.leader.election.enable', 'true', 'false'],
  ['min.insync.replicas', '1', '2'],
  ['min.insync.replicas', '4', '2'],
  ['max.message.bytes', '100000', '1048588'],
])('%s=%s is refused, with the command that sets %s', (setting, found, wanted) => {
  const said = dangers({ [setting]: found });
  expect(said).toContain(`${setting}=${found}: `);
  expect(said).toMatch(new RegExp(`kafka-configs.sh .* --entity-name events --add-config ${setting}=${wanted}$`));
});

test('one command fixes all unsafe settings', () => {
  expect(dangers({ 'cleanup.policy': 'compact', 'retention.bytes': '1' })).toMatch(
    /--add-config cleanup.policy=delete,retention.bytes=-1$/,
  );
});

test('too few replicas for the number of brokers are refused, and a single broker needs one', () => {
  expect(dangers({}, { copies: 1, brokers: 3 })).toMatch(
    /has 1 copies on 3 brokers, expected 3.*kafka-reassign-partitions/,
  );
  expect(dangers({}, { copies: 1, brokers: 1 })).toBeUndefined();
});

test('a cleanup policy that removes nothing is safe', () => {
  expect(dangers({ 'cleanup.policy': '' })).toBeUndefined();
});
