// node healthcheck.mjs [live|ready]: exit code 0 when the service of this container says that it is. Images have no curl.
const { PORT } = process.env;
const about = process.argv[2] ?? 'live';
const answer = await fetch(`http://127.0.0.1:${PORT}/health/${about}`, { signal: AbortSignal.timeout(2_500) });
if (!answer.ok) {
  console.error(await answer.text());
  process.exitCode = 1;
}
