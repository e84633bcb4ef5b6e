const maxAnswerBytes = 512 * 1024;
const answerTimeoutMs = 5_000;

/** Loads JSON from an issuer. Follows no redirect, and reads no more than an honest answer has. */
export async function loadJson(address: string, init: RequestInit = {}): Promise<unknown> {
  const headers = new Headers(init.headers);
  headers.set('accept', 'application/json');
  const signal = AbortSignal.timeout(answerTimeoutMs);
  const response = await fetch(address, { ...init, redirect: 'error', headers, signal });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new Error(`${address} answered ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) throw new Error(`${address} answered more than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString());
}
