// Checks the messages of all commits after the one that introduced the rule, as a part of `npm run check`.
import { execFileSync } from 'node:child_process';
import { excusedCommits, faultsIn, lastUncheckedCommit } from './commit-rules.ts';

try {
  git('cat-file', '-e', `${lastUncheckedCommit}^{commit}`);
} catch {
  console.error(`Commit ${lastUncheckedCommit} is not in this clone: fetch the whole history (git fetch --unshallow).`);
  process.exit(1);
}
// One process for any length of history: each commit is its hash, a line feed and its message, and ends with a NUL.
const commits = git('log', '-z', '--no-merges', '--format=%H%n%B', `${lastUncheckedCommit}..HEAD`).split('\0');
for (const commit of commits) {
  const [hash = '', ...message] = commit.split('\n');
  if (hash === '' || excusedCommits.some((excused) => hash.startsWith(excused))) continue;
  for (const fault of faultsIn(message.join('\n'))) {
    console.error(`${hash.slice(0, 10)} ${message[0]}\n  ${fault}`);
    process.exitCode = 1;
  }
}

function git(...args: string[]): string {
  return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
