// node dist/worker.js <command>: what an operator does to the read model. The service itself is main.ts.
import { lag } from './cli/lag.ts';
import { rebuild } from './cli/rebuild.ts';
import { runCommand } from './cli/run.ts';

process.exitCode = await runCommand([...rebuild, lag], process.argv.slice(2), process.env);
