// node dist/cli.js <command>: the operator's tool. The service is main.ts.
import { runCommand } from '@catalogue/projection';
import { eitherCodec } from '@catalogue/registry';
import { readSettings } from '@catalogue/service';
import { help, isPromotionCommand, runPromotionCommand } from './cli/commands.ts';
import { openMachine } from './machine-pool.ts';
import { priceModel } from './model.ts';
import { settings } from './settings.ts';

const [command, ...rest] = process.argv.slice(2);
if (isPromotionCommand(command)) {
  const { readDb } = readSettings({ readDb: settings.readDb }, process.env);
  const sql = openMachine(readDb);
  try {
    process.stdout.write(await runPromotionCommand(sql, command, rest[0]));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  } finally {
    await sql.end({ timeout: 1 });
  }
} else {
  if (command === undefined || command === '--help') process.stdout.write(help);
  const codec = eitherCodec(process.env);
  process.exitCode = await runCommand(priceModel, { ...settings, codec }, process.argv.slice(2), process.env);
}
