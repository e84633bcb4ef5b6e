// `node --import` this before the service: it dies at a boundary of the driver (`boundaries.ts`), counted from SIGWINCH on.
import { registerHooks } from 'node:module';
import { arm, inDriver } from './boundaries.ts';

const counted: Record<string, { from: string; by: URL }> = {
  './machine-pool.ts': { from: '/src/main.ts', by: new URL('counted-pool.ts', import.meta.url) },
  './small-fetch.ts': { from: '/src/drive/commands.ts', by: new URL('counted-fetch.ts', import.meta.url) },
};
registerHooks({
  resolve: (specifier, context, next) => {
    const found = counted[specifier];
    const isCounted = found !== undefined && context.parentURL?.endsWith(found.from) === true;
    return next(isCounted ? found.by.href : specifier, context);
  },
});

// After the hooks, which do not reach what is loaded before.
const { Driver } = await import('../src/drive/driver.ts');
// oxlint-disable-next-line typescript/unbound-method -- called with its own `this`
const { run } = Driver.prototype;
Driver.prototype.run = async function (signal: AbortSignal): Promise<void> {
  await inDriver.run(true, () => run.call(this, signal));
};

process.on('SIGWINCH', arm);
