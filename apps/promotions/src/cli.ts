// node dist/cli.js <command>: the operator's tool. The service is main.ts.
import { faultOfDatabase } from '@catalogue/postgres';
import { runCommand } from '@catalogue/projection';
import { eitherCodec } from '@catalogue/registry';
import { outliveClosedPipe, readSettings } from '@catalogue/service';
import { help, idOf, isPromotionCommand, runPromotionCommand } from './cli/commands.ts';
import { openMachine } from './machine-pool.ts';
import { priceModel } from './model.ts';
import { settings } from './settings.ts';

const [command, ...rest] = process.argv.slice(2);
if (isPromotionCommand(command)) {
  outliveClosedPipe();
  const id = idOf(command, rest);
  const { readDb } = readSettings({ readDb: settings.readDb }, process.env);
  const sql = openMachine(readDb);
  try {
    process.stdout.write(await runPromotionCommand(sql, command, id));
  } catch (error) {
    process.stderr.write(`${faultOfDatabase(error, settings.readDb.variable)}\n`);
    process.exitCode = 1;
  } finally {
    await sql.end({ timeout: 1 });
  }
} else {
  if (command === undefined || command === '--help') process.stdout.write(help);
  const codec = eitherCodec(process.env);
  process.exitCode = await runCommand(priceModel, { ...settings, codec }, process.argv.slice(2), process.env);
}
