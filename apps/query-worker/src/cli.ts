// node dist/cli.js <command>: the operator's tool. The service is main.ts.
import { lag } from './cli/lag.ts';
import { parked } from './cli/parked.ts';
import { rebuild } from './cli/rebuild.ts';
import { runCommand } from './cli/run.ts';

process.exitCode = await runCommand([...parked, ...rebuild, lag], process.argv.slice(2), process.env);
