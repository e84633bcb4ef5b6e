// The load generator's process, so that it shares its event loop with nothing. Its parent sends jobs.
import { runLoad } from './closed-loop.ts';
import type { Job, Said } from './job.ts';
import { runOpenLoad } from './open-loop.ts';

const say = (said: Said) => process.send?.(said);

process.on('message', (job: Job) => {
  const run = job.open === true ? runOpenLoad : runLoad;
  run(job, (phase) => say({ phase })).then(
    (result) => say({ result }),
    (error: unknown) => say({ failure: String(error) }),
  );
});
process.once('disconnect', () => process.exit());
