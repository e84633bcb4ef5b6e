// npm run check: all checks of the code that do not run it. All steps run, and all failures are shown.
import { availableParallelism } from 'node:os';
import { capture, captureNx, forwardSignals, interruption } from './command.ts';

interface Step {
  name: string;
  run: () => Promise<{ ok: boolean; output: string }>;
  /** A command that corrects it, if there is one. */
  fix?: string;
}

// The longest steps first, so that all end at about the same time.
const steps: Step[] = [
  { name: 'lint', run: () => capture('oxlint', []), fix: 'node tools/bootstrap.mjs oxlint --fix' },
  { name: 'unused files, exports, dependencies', run: () => capture('knip', ['--no-progress']) },
  {
    name: 'tsconfig references and Dockerfiles',
    run: () => captureNx('sync:check'),
    fix: 'node tools/bootstrap.mjs nx sync',
  },
  {
    name: 'dependency rules, licences, workflows, pages, figures and attacks in documents',
    run: () =>
      capture('vitest', [
        'run',
        '--project',
        'unit',
        'tools/workspace/src/dependencies.test.ts',
        'tools/workspace/src/licences.test.ts',
        'tools/workspace/src/workflows.test.ts',
        'tools/workspace/src/threat-model.test.ts',
        'tools/workspace/src/dockerfiles.test.ts',
        'tools/workspace/src/pages.test.ts',
        'tools/workspace/src/figures.test.ts',
      ]),
  },
  { name: 'types of code and tests', run: () => capture('tsc', []) },
  { name: 'types of the page', run: () => capture('tsc', ['-p', 'libs/page/browser']) },
  { name: 'commit messages', run: () => capture('node', ['tools/workspace/src/commits.ts']) },
  { name: 'formatting', run: () => capture('biome', ['format']), fix: 'npm run format' },
];

forwardSignals();
const started = performance.now();
const failed: string[] = [];
const waiting = [...steps];
await Promise.all(Array.from({ length: availableParallelism() }, runSteps));

const interrupted = interruption();
if (interrupted) process.exit(interrupted.exitCode);
const seconds = ((performance.now() - started) / 1000).toFixed(1);
if (failed.length > 0)
  console.error(`check: ${failed.length} of ${steps.length} failed (${failed.join('; ')}) in ${seconds} s`);
else console.log(`check: all ${steps.length} passed in ${seconds} s`);
process.exitCode = failed.length > 0 ? 1 : 0;

async function runSteps(): Promise<void> {
  for (let step = waiting.shift(); step !== undefined && !interruption(); step = waiting.shift()) {
    const { ok, output } = await step.run();
    if (interruption()) return;
    if (ok) console.log(`✓ ${step.name}`);
    else {
      failed.push(step.name);
      console.error(`\n✗ ${step.name}${step.fix ? ` (to fix: ${step.fix})` : ''}\n${output.trim()}\n`);
    }
  }
}
