// npm run test:faults -- --times 10: complete rounds of faults, each on a new system; with EVENT_CODEC=avro on events in Avro.
import { parseArgs } from 'node:util';
import { eventCodec, readSettings } from '@catalogue/service';
import { buildAll } from './build.ts';
import { round } from './round.ts';
import { System } from './system.ts';

const { values } = parseArgs({
  options: { times: { type: 'string', default: '1' }, 'kafka-away': { type: 'string', default: '60000' } },
});
const times = Number(values.times);
const kafkaAway = Number(values['kafka-away']);
const { codec } = readSettings({ codec: eventCodec }, process.env);

await buildAll();
let passed = 0;
for (let time = 1; time <= times; time++) {
  console.log(`Round ${time} of ${times}`);
  await using system = await System.start({ withPrices: true, withPromotions: true, withPromotionEvents: true, codec });
  const { violations } = await round(system, { kafkaAway, log: (line) => console.log(`  ${line}`) });
  for (const violation of violations) console.log(`  VIOLATION: ${violation}`);
  if (violations.length === 0) passed += 1;
}
console.log(`rounds: ${passed} passed, ${times - passed} failed`);
process.exitCode = passed === times ? 0 : 1;
