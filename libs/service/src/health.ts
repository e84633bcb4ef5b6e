/**
 * The state of a dependency. A process is ready while its dependencies are `up`, `catching-up` or `standby`; it is not
 * ready while one is `starting` or `down`. `detail` tells an operator what is known and what to do.
 */
export interface DependencyState {
  status: 'up' | 'catching-up' | 'standby' | 'starting' | 'down';
  detail?: string;
}

/** A check of each dependency, by name. A check that throws, or takes more than a second, counts as `down`. */
export type Dependencies = Record<string, () => DependencyState | Promise<DependencyState>>;

export interface Readiness {
  ready: boolean;
  status: 'ready' | 'stopping' | 'not ready';
  dependencies: Record<string, DependencyState>;
}

/** PostgreSQL's message names a table and no host: an operator has to know which right is missing. */
const missingRight = '42501';

const notReady = new Set<DependencyState['status']>(['starting', 'down']);

/** Checks all dependencies concurrently. */
export async function checkReadiness(dependencies: Dependencies, stopping: boolean): Promise<Readiness> {
  const states = await Promise.all(
    Object.entries(dependencies).map(async ([name, check]) => [name, await stateOf(check)] as const),
  );
  const ready = !stopping && states.every(([, { status }]) => !notReady.has(status));
  return {
    ready,
    status: stopping ? 'stopping' : ready ? 'ready' : 'not ready',
    dependencies: Object.fromEntries(states),
  };
}

async function stateOf(check: Dependencies[string]): Promise<DependencyState> {
  const timeout = Promise.withResolvers<DependencyState>();
  const timer = setTimeout(timeout.resolve, 1000, { status: 'down', detail: 'No response within 1 s' });
  try {
    return await Promise.race([check(), timeout.promise]);
  } catch (error) {
    // Only the code of a client library's error: its message may name hosts, and anyone can read health.
    const { code, message } = error as { code?: unknown; message: string };
    return { status: 'down', detail: typeof code === 'string' && code !== missingRight ? code : message };
  } finally {
    clearTimeout(timer);
  }
}
