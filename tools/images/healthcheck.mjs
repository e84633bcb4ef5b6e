// node healthcheck.mjs [live|ready]: exit code 0 if the service of this container is alive or ready. Images have no curl.
const { PORT, METRICS_PORT } = process.env;
const about = process.argv[2] ?? 'live';
const answer = await fetch(`http://127.0.0.1:${METRICS_PORT || PORT}/health/${about}`, {
  signal: AbortSignal.timeout(2_500),
});
if (!answer.ok) {
  console.error(await answer.text());
  process.exitCode = 1;
}
