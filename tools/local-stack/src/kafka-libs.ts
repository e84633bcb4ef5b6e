import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mavenFolder } from './maven-folder.ts';

export const kafkaFolder = fileURLToPath(new URL('../kafka', import.meta.url));

/** The folder of Kafka's libraries, downloaded once for each pom.xml. */
export function kafkaLibs(progress: (line: string) => void, signal?: AbortSignal): Promise<string> {
  const download = {
    title: 'Kafka',
    size: '60 MB',
    pom: join(kafkaFolder, 'pom.xml'),
    goal: 'dependency:copy-dependencies',
    name: 'kafka-libs',
    otherwise: 'give a broker with KAFKA_BROKER',
  } as const;
  return mavenFolder(download, progress, signal);
}
