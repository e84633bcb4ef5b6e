// The load generator's process, so that it shares its event loop with nothing. Its parent sends jobs.
import { runLoad } from './closed-loop.ts';
import type { Job, Said } from './job.ts';

const say = (said: Said) => process.send?.(said);

process.on('message', (job: Job) => {
  runLoad(job, (phase) => say({ phase })).then(
    (result) => say({ result }),
    (error: unknown) => say({ failure: String(error) }),
  );
});
process.once('disconnect', () => process.exit());
