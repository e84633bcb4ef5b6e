// node healthcheck.mjs [live|ready]: exit code 0 if the service of this container is alive or ready. Images have no curl.
import { readFileSync } from 'node:fs';

const about = process.argv[2] ?? 'live';
const answer = await fetch(`http://127.0.0.1:${setting('METRICS_PORT') || setting('PORT')}/health/${about}`, {
  signal: AbortSignal.timeout(2_500),
});
if (!answer.ok) {
  console.error(await answer.text());
  process.exitCode = 1;
}

/** As the service reads it. */
function setting(variable) {
  const file = process.env[`${variable}_FILE`]?.trim();
  return (file ? readFileSync(file, 'utf8') : process.env[variable])?.trim();
}
