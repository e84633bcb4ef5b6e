// node dist/cli.js <command>: what an operator does to the read model. The service itself is main.ts.
import { lag } from './cli/lag.ts';
import { parked } from './cli/parked.ts';
import { rebuild } from './cli/rebuild.ts';
import { runCommand } from './cli/run.ts';

process.exitCode = await runCommand([...parked, ...rebuild, lag], process.argv.slice(2), process.env);
