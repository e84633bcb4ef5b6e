/** The last commit before this rule: history from here on is checked. */
export const lastUncheckedCommit = '30c969a';

/** The hashes of commits that broke the rule and have landed: they cannot be reworded, and main must not stay red for them. */
export const excusedCommits: readonly string[] = [];

const subjectForm =
  /^(build|chore|ci|docs|feat|fix|perf|refactor|revert|style|test)(\([a-z0-9-]{1,40}\))?!?: \S.{0,70}$/;
const maxSubjectLength = 72;

/**
 * The faults of a commit message, one sentence each. The rules are Conventional Commits 1.0.0
 * (https://www.conventionalcommits.org), from which `nx release` computes versions.
 */
export function faultsIn(message: string): string[] {
  const [subject = '', blank = '', ...body] = message.trimEnd().split('\n');
  const faults: string[] = [];
  if (!subjectForm.test(subject))
    faults.push('The subject is not `type(scope): summary`, with a type from CONTRIBUTING.md.');
  if (subject.length > maxSubjectLength)
    faults.push(`The subject has ${subject.length} characters, ${maxSubjectLength} at most.`);
  if (subject.endsWith('.')) faults.push('The subject ends with a full stop.');
  if (blank !== '') faults.push('The second line is not empty.');
  // A release writes its own commits; the changelogs say why.
  if (body.length === 0 && !subject.startsWith('chore(release):')) faults.push('The body, which says why, is missing.');
  return faults;
}
