// node dist/cli.js <command>: the operator's tool. The service is main.ts.
import { runCommand } from '@catalogue/projection';
import { priceModel } from './model.ts';
import { settings } from './settings.ts';

process.exitCode = await runCommand(priceModel, settings, process.argv.slice(2), process.env);
