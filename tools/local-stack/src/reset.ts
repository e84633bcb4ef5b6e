import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { home } from './home.ts';
import { engineInsteadOfJava, KafkaContainer } from './kafka-container.ts';
import { readSettings, refuseArguments } from './settings.ts';
import { lockStack } from './stack-lock.ts';

// npm run reset: deletes all data of `npm start`, and keeps downloads.

const data = ['write-db', 'read-db', 'promotions-db', 'kafka', 'registry'];

try {
  refuseArguments(process.argv.slice(2));
  const folder = home();
  const unlock = lockStack(folder);
  const engine = await engineInsteadOfJava();
  if (engine !== undefined)
    await new KafkaContainer(engine, folder, readSettings(process.env).ports.kafka.number).remove();
  for (const name of data) rmSync(join(folder, name), { recursive: true, force: true });
  unlock();
  console.log(`Emptied ${folder}`);
} catch (error) {
  console.error(`npm run reset: ${(error as Error).message}`);
  process.exitCode = 1;
}
