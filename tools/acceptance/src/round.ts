import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '@catalogue/testing';
import { Load } from './load.ts';
import { findViolations } from './oracle.ts';
import { mispricedMeanwhile } from './price-oracle.ts';
import { Promoted } from './promoted.ts';
import type { ServiceName } from './service-process.ts';
import type { System } from './system.ts';

export interface RoundOptions {
  /** Milliseconds for which Kafka is down. */
  kafkaAway: number;
  log?: (line: string) => void;
}

const services: ServiceName[] = [
  'outbox-relay',
  'query-worker',
  'command-api',
  'query-api',
  'price-history',
  'promotions',
  'promotions-relay',
];

/**
 * Under load, kills and restarts each service, and stops and restarts databases and Kafka. Then the load ends, and the oracle
 * compares what the system shows with what it acknowledged.
 */
export async function round(system: System, { kafkaAway, log = () => {} }: RoundOptions) {
  const load = new Load(system.client({ readYourWrites: false }));
  const promoted = system.withPromotions ? new Promoted(system) : undefined;
  const meanwhile: string[] = [];
  /** Price lines are compared while the load goes on. */
  const priced = async (what: string) => {
    if (!system.withPrices) return;
    const found = await mispricedMeanwhile(system);
    meanwhile.push(...found.map((each) => `After ${what}: ${each}`));
  };
  const progress = async (what: string) => {
    const before = load.acknowledged;
    await waitFor(`commands to go on after ${what}`, () => load.acknowledged > before + 50);
    log(`${what}: ${load.acknowledged} acknowledged, ${load.unanswered} without an answer`);
  };
  await progress('the beginning');
  for (const name of services) {
    if (!system.running.includes(system.services[name])) continue;
    await promoted?.another();
    await system.services[name].kill();
    // Commands and queries go on without price-history.
    if (name === 'price-history') await progress(`${name} was stopped`);
    await system.services[name].start();
    await progress(`${name} was killed`);
    await priced(`${name} was killed`);
  }
  await promoted?.another();
  await system.crash('read-db');
  await progress('the read database crashed');
  await system.start('read-db');
  await priced('the read database crashed');
  if (system.withRegistry) {
    await system.crash('registry');
    await progress('the schema registry crashed');
    await priced('the schema registry crashed');
    await system.start('registry');
  }
  await promoted?.another();
  await system.stop('kafka');
  const commandsGoOn = progress('Kafka was stopped');
  await delay(kafkaAway);
  await commandsGoOn;
  await system.start('kafka');
  await system.crash('write-db');
  await system.start('write-db');
  await progress('the write database crashed');
  // After both: the clients of Kafka come back within half a minute.
  await priced('Kafka and the write database were away');
  // For the worker, every event of it is a repetition, while new ones arrive.
  log((await system.run('outbox-relay', 'republish', ['--from', '0'])).trim());
  await progress('everything was sent again');
  await load.stop();
  // First those of promotions, which waits until they are over: until then they change prices.
  const ofPromotions = (await promoted?.findViolations()) ?? [];
  const found = await findViolations(system, load.told);
  const violations = [...meanwhile, ...found.violations, ...ofPromotions];
  log(`${found.events} events, ${found.products} products, ${violations.length} violations`);
  return { ...found, violations, acknowledged: load.acknowledged };
}
