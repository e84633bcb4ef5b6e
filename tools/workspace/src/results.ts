// A vitest reporter: sends the numbers of passed and failed tests to its parent process, or prints them without one. It also
// passes the parent's wish to stop on to vitest: on a signal, vitest 5.1 ends at once, without the teardown that stops the
// tests' servers.
import type { Reporter, TestModule, Vitest } from 'vitest/node';
import { lastLine, type Results } from './last-line.ts';

export default class ResultsReporter implements Reporter {
  onInit(vitest: Vitest): void {
    process.on('message', (message) => {
      if (message === 'stop') void vitest.cancelCurrentRun('keyboard-input');
    });
    // The parent was killed.
    process.on('disconnect', () => process.exit(1));
    // Otherwise vitest would wait for this channel.
    process.channel?.unref();
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const results = count(modules, unhandledErrors.length);
    if (process.send === undefined) console.log(lastLine(results));
    else process.send(results);
  }
}

function count(modules: readonly TestModule[], unhandledErrors: number): Results {
  const results: Results = { passed: 0, failed: unhandledErrors, skipped: 0 };
  for (const module of modules) {
    results.failed += module.errors().length;
    for (const suite of module.children.allSuites()) results.failed += suite.errors().length;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      // A test without a result was lost with its worker.
      results[state === 'pending' ? 'failed' : state] += 1;
    }
  }
  return results;
}
