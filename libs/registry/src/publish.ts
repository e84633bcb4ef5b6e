// npm run schemas:publish: registers the schemas of the events, so that other teams can read them. Services never do.
import { defaultTopic, productContract, promotionContract, promotionTopic } from '@catalogue/contracts';
import { kafkaTopic, readSettings, registrySettings } from '@catalogue/service';
import { publish } from './publication.ts';
import { SchemaRegistry } from './registry.ts';

const { url, user, password, topic } = readSettings(
  { ...registrySettings, topic: kafkaTopic(defaultTopic) },
  process.env,
);
try {
  if (url === '') throw new Error('SCHEMA_REGISTRY_URL is missing; for example http://localhost:8090/apis/ccompat/v7');
  const registry = new SchemaRegistry({ url, user, password });
  const published = [
    ...(await publish(registry, productContract, topic)),
    ...(await publish(registry, promotionContract, promotionTopic)),
  ];
  for (const { subject, id, isNew, broken } of published) {
    if (broken.length === 0) process.stdout.write(`${subject}: ${isNew ? 'registered' : 'unchanged'}, id ${id}\n`);
    else {
      process.stderr.write(`${subject}: not registered\n${broken.map((sentence) => `  ${sentence}\n`).join('')}`);
      process.exitCode = 1;
    }
  }
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
