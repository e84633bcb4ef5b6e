// Checks the messages of all commits that follow the one that introduced the rule. A part of `npm run check`.
import { execFileSync } from 'node:child_process';
import { excusedCommits, faultsIn, lastUncheckedCommit } from './commit-rules.ts';

const range = `${lastUncheckedCommit}..HEAD`;
try {
  git('cat-file', '-e', `${lastUncheckedCommit}^{commit}`);
} catch {
  console.error(`Commit ${lastUncheckedCommit} is not in this clone: fetch the whole history (git fetch --unshallow).`);
  process.exit(1);
}
const checked = git('rev-list', '--no-merges', range)
  .split('\n')
  .filter((hash) => hash !== '' && !excusedCommits.some((excused) => hash.startsWith(excused)));
for (const hash of checked) {
  for (const fault of faultsIn(git('show', '--no-patch', '--format=%B', hash))) {
    console.error(`${hash.slice(0, 10)} ${git('show', '--no-patch', '--format=%s', hash).trim()}\n  ${fault}`);
    process.exitCode = 1;
  }
}

function git(...args: string[]): string {
  return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
