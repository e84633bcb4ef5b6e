import { beforeEach, expect, test } from 'vitest';
import type { CataloguePage } from './catalogue-page.ts';
import { Stage } from './stage.ts';

// Browsers open six connections to a host over HTTP/1.1: all tabs of one have to get by on a single stream.

const stage = new Stage();
beforeEach(async () => stage.empty());
const within = { timeout: 60_000, interval: 50 };
const tabCount = 8;

const withoutWorker = 'delete globalThis.SharedWorker;';
const withoutLocks = `delete Navigator.prototype.locks;`;
/** As Chromium answers a page that may not store anything. */
const refusedLocks = `LockManager.prototype.request = async () => { throw new DOMException('', 'SecurityError'); };`;
const brokenWorker = `const create = trustedTypes.createPolicy.bind(trustedTypes);
  trustedTypes.createPolicy = (name) => create(name, { createScriptURL: () => '/page/none.js' });`;
/** How often the tab itself asked for a stream. */
const countStreams = `globalThis.streamsAsked = 0;
  const { fetch: ask } = globalThis;
  globalThis.fetch = (url, ...rest) => {
    if (String(url).endsWith('/products/stream')) streamsAsked += 1;
    return ask(url, ...rest);
  };`;
/** The tab says of itself whether it is hidden: a headless browser shows all of them. */
const canHide = `let hidden = false;
  Object.defineProperties(Document.prototype, {
    hidden: { get: () => hidden }, visibilityState: { get: () => (hidden ? 'hidden' : 'visible') },
  });
  globalThis.hide = (value) => {
    hidden = value;
    document.dispatchEvent(new Event('visibilitychange'));
  };`;

/** Moves the tab's clock forward. */
const canSkip = `let skippedMs = 0;
  const { now } = Date;
  Date.now = () => now() + skippedMs;
  globalThis.skip = (ms) => { skippedMs += ms; };`;

/** How many streams query-api sends now. */
async function streamCount(): Promise<number> {
  const metrics = await (await fetch(`${stage.url}/metrics`)).text();
  return Number(/^stream_clients(?:\{.*\})? (\d+)$/m.exec(metrics)?.[1]);
}

async function expectCurrent(tabs: readonly CataloguePage[], expected: string[]): Promise<void> {
  for (const tab of tabs) await expect.poll(() => tab.rows(), within).toEqual(expected);
}

test.each([
  ['a SharedWorker', '', 0],
  ['a tab that leads by Web Locks', withoutWorker, 1],
  ['a tab that leads by Web Locks, where the worker cannot be started', brokenWorker, 1],
])(
  'eight visible tabs of a browser load, stay current and search on one stream, read by %s',
  async (_, script, readingTabs) => {
    const catalogue = stage.system.client();
    const { id } = await catalogue.create({ name: 'Mouse', price: 10 });
    await using window = await stage.openWindow(script + countStreams);
    const tabs = await window.openTabs(tabCount);
    await expectCurrent(tabs, ['Mouse 10.00']);
    await expect.poll(streamCount, within).toBe(1);
    const askers = tabs.map(({ page }) => page.evaluate<number>('streamsAsked'));
    expect((await Promise.all(askers)).filter((count) => count > 0)).toHaveLength(readingTabs);
    await catalogue.change(id, { price: 11 });
    await expectCurrent(tabs, ['Mouse 11.00']);
    for (const [i, tab] of tabs.entries()) await tab.search(i % 2 === 0 ? 'mou' : 'none');
    for (const [i, tab] of tabs.entries())
      await expect.poll(() => tab.rows(), within).toEqual(i % 2 === 0 ? ['Mouse 11.00'] : []);

    // The first tab holds the stream, where a tab holds it.
    const [first, ...others] = tabs;
    await first?.page.close({ runBeforeUnload: true });
    for (const tab of others) await tab.search('');
    await catalogue.create({ name: 'After the first was closed', price: 1 });
    await expectCurrent(others, ['After the first was closed 1.00', 'Mouse 11.00']);
    await expect.poll(streamCount, within).toBe(1);
    expect(tabs.flatMap(({ faults }) => faults)).toEqual([]);
  },
  120_000,
);

test.each([
  ['there are no locks', withoutLocks],
  ['the browser refuses locks', refusedLocks],
])(
  'with no worker, and where %s, a tab has a stream while it is seen, and catches up later',
  async (_, script) => {
    const catalogue = stage.system.client();
    await using window = await stage.openWindow(withoutWorker + script + canHide);
    const tabs: CataloguePage[] = [];
    for (let i = 0; i < tabCount; i++) {
      for (const tab of tabs) await tab.page.evaluate('hide(true)');
      tabs.push(...(await window.openTabs(1)));
    }
    await expect.poll(streamCount, within).toBe(1);
    await catalogue.create({ name: 'Mouse', price: 10 });
    await expectCurrent(tabs.slice(-1), ['Mouse 10.00']);
    for (const tab of tabs) {
      await tab.page.evaluate('hide(false)');
      await expectCurrent([tab], ['Mouse 10.00']);
      await tab.page.evaluate('hide(true)');
    }
    await expect.poll(streamCount, within).toBe(0);
    expect(tabs.flatMap(({ faults }) => faults)).toEqual([]);
  },
  120_000,
);

test('a sleeping tab hands the stream to another tab, and has missed no change when it wakes', async () => {
  const catalogue = stage.system.client();
  await using window = await stage.openWindow(withoutWorker);
  const [leader, other] = await window.openTabs(2);
  if (leader === undefined || other === undefined) throw new Error('There are two tabs');
  await leader.page.evaluate(`document.dispatchEvent(new Event('freeze'))`);
  await catalogue.create({ name: 'While it slept', price: 1 });
  await expectCurrent([other], ['While it slept 1.00']);
  await expect.poll(streamCount, within).toBe(1);
  await leader.page.evaluate(`document.dispatchEvent(new Event('resume'))`);
  await expectCurrent([leader], ['While it slept 1.00']);
  await expect.poll(streamCount, within).toBe(1);
});

test('another tab takes the stream from a tab that is silent', async () => {
  const catalogue = stage.system.client();
  await using window = await stage.openWindow(withoutWorker + canSkip);
  const [leader, other] = await window.openTabs(2);
  if (leader === undefined || other === undefined) throw new Error('There are two tabs');
  // As a system does to a tab in the background that it tells nothing.
  const session = await leader.page.context().newCDPSession(leader.page);
  await session.send('Debugger.enable');
  await session.send('Debugger.pause');
  // The pause takes hold with the next statement.
  const stuck = session.send('Runtime.evaluate', { expression: '1' });
  await catalogue.create({ name: 'While it was stuck', price: 1 });
  // The silence that a tab bears; its own clock says so, and the test need not wait.
  await other.page.evaluate('skip(15_000)');
  await expectCurrent([other], ['While it was stuck 1.00']);
  await session.send('Debugger.resume');
  await stuck;
  await expectCurrent([leader], ['While it was stuck 1.00']);
});
