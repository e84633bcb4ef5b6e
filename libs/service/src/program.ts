import { parseArgs } from 'node:util';

/** What a program accepts on its command line, beside `--help`. */
export interface Program {
  usage: string;
  /** Switches, without their hyphens. */
  flags?: readonly string[];
  /** The number of arguments that are not switches; none when absent. */
  positionals?: number;
  /** Says what is wrong with such an argument, if anything. */
  faultOf?: (positional: string) => string | undefined;
}

/**
 * Reads the arguments of a program, so that it ignores none: an operator who mistypes a switch, or names two promotions where
 * one is expected, must not believe that it had an effect. Ends the process with 0 after `--help`, and with 2 if an argument is
 * unknown or missing.
 */
export function readArguments(
  typed: readonly string[],
  { usage, flags = [], positionals: expected = 0, faultOf = () => undefined }: Program,
): { flags: ReadonlySet<string>; positionals: string[] } {
  const options = Object.fromEntries([...flags, 'help'].map((flag) => [flag, { type: 'boolean' as const }]));
  try {
    const { values, positionals } = parseArgs({ args: [...typed], options, allowPositionals: true });
    const given = new Set(Object.keys(values));
    if (given.has('help')) return end(process.stdout, usage, 0);
    const unexpected = positionals[expected];
    if (unexpected !== undefined) throw new Error(`Unexpected argument "${unexpected}"`);
    if (positionals.length < expected) throw new Error('An argument is missing');
    const [fault] = positionals.flatMap((positional) => faultOf(positional) ?? []);
    if (fault !== undefined) throw new Error(fault);
    return { flags: given, positionals };
  } catch (error) {
    return end(process.stderr, `${(error as Error).message}\n\n${usage}`, 2);
  }
}

/** Lets a program do its work although the reader of its output has gone (`| head`). */
export function outliveClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

function end(stream: NodeJS.WriteStream, text: string, code: number): never {
  stream.write(`${text}\n`);
  process.exit(code);
}
