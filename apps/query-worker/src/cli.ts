// node dist/cli.js <command>: the operator's tool. The service is main.ts.
import { runCommand } from '@catalogue/projection';
import { eitherCodec } from '@catalogue/registry';
import { productModel } from './model.ts';
import { settings } from './settings.ts';

const codec = eitherCodec(process.env);
process.exitCode = await runCommand(productModel(), { ...settings, codec }, process.argv.slice(2), process.env);
