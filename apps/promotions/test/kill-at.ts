// `node --import` this before the service: it dies at a boundary of the driver (`boundaries.ts`), counted from SIGWINCH on.
import { registerHooks } from 'node:module';
import { Driver } from '../src/drive/driver.ts';
import { arm, boundary, inDriver } from './boundaries.ts';

registerHooks({
  resolve: (specifier, context, next) => {
    const isPool = specifier === './machine-pool.ts' && context.parentURL?.endsWith('/src/main.ts') === true;
    return next(isPool ? new URL('counted-pool.ts', import.meta.url).href : specifier, context);
  },
});

// oxlint-disable-next-line typescript/unbound-method -- called with its own `this`
const { run } = Driver.prototype;
Driver.prototype.run = async function (signal: AbortSignal): Promise<void> {
  await inDriver.run(true, () => run.call(this, signal));
};

const { fetch } = globalThis;
globalThis.fetch = async (url, init) => {
  boundary(`before: ${init?.method}`);
  const response = await fetch(url, init);
  boundary(`after: ${init?.method}`);
  return response;
};

process.on('SIGWINCH', arm);
