// node dist/cli.js <command>: the operator's tool. The service is main.ts.
import { runCommand } from '@catalogue/projection';
import { eitherCodec } from '@catalogue/registry';
import { readSettings } from '@catalogue/service';
import { priceModel } from './model.ts';
import { settings } from './settings.ts';

const { markets } = readSettings({ markets: settings.markets }, process.env);
const codec = eitherCodec(process.env);
process.exitCode = await runCommand(priceModel(markets), { ...settings, codec }, process.argv.slice(2), process.env);
