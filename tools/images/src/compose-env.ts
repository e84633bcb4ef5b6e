// npm run compose:env: an .env with strong passwords of its own, which docker-compose.yml then uses instead of its own.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const file = join(fileURLToPath(new URL('../../..', import.meta.url)), '.env');
// Letters and digits only: they stand in addresses, where others would have to be escaped.
const password = () => randomBytes(24).toString('hex');
const content = `# Read by docker compose. Written by npm run compose:env; not to be committed.
WRITE_DB_PASSWORD=${password()}
READ_DB_PASSWORD=${password()}
PROMOTIONS_DB_PASSWORD=${password()}
REGISTRY_DB_PASSWORD=${password()}
`;

try {
  // Never over one that is there: the databases were made with its passwords.
  writeFileSync(file, content, { flag: 'wx', mode: 0o600 });
  console.log(`Wrote ${file}, readable by you only.
A database keeps the password that it was made with. Where there are some from before (docker volume ls), either
"docker compose down --volumes" removes their data, or docs/how-to/run-in-containers.md, "Change a database password", gives them these.`);
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  console.error(`${file} exists and was not changed: remove it first to get new passwords.`);
  process.exitCode = 1;
}
