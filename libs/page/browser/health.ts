/** The state of an API: up, or down with the reason, worded to follow the API’s name. */
export type Health = { ok: true; at: number | undefined } | { ok: false; why: string };

/** Asks an API for its health. Never rejects. */
export async function healthOf(baseUrl: string): Promise<Health> {
  try {
    const response = await fetch(`${baseUrl}/health/ready`, { signal: AbortSignal.timeout(4_000), cache: 'no-store' });
    const date = Date.parse(response.headers.get('date') ?? '');
    // With METRICS_PORT, health is for operators only; the API does answer.
    if (response.ok || response.status === 404) return { ok: true, at: Number.isNaN(date) ? undefined : date };
    return { ok: false, why: `cannot work: ${whyNot(await response.json())}` };
  } catch {
    // Down, too slow, or without this page in its CORS_ORIGINS: a browser does not tell which.
    return { ok: false, why: 'cannot be reached' };
  }
}

function whyNot(body: unknown): string {
  const { dependencies = {} } = body as { dependencies?: Record<string, { status?: string }> };
  const down = Object.entries(dependencies).filter(([, { status }]) => status !== 'up');
  return down.map(([name, { status }]) => `${name} is ${status ?? 'not ready'}`).join(', ') || 'not ready';
}
