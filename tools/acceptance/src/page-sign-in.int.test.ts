import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { audience, startIssuer } from '@catalogue/testing';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { CataloguePage } from './catalogue-page.ts';
import { Stage } from './stage.ts';

// The page where every API needs an access token: it signs in at a real issuer.

const client = 'catalogue-page';
const all = 'catalogue:read catalogue:write';
const users = { ada: all, grace: all, reader: 'catalogue:read', writer: 'catalogue:write' };
const issuer = await startIssuer([]);
const home = mkdtempSync(join(tmpdir(), 'sign-in-'));
const stage = new Stage({
  withPrices: true,
  withPromotions: true,
  settings: {
    AUTH: 'on',
    AUTH_ISSUER: issuer.url,
    AUTH_AUDIENCE: audience,
    AUTH_CLIENT_ID: client,
    COMMAND_API_TOKEN_FILE: join(home, 'token'),
  },
});
const within = { timeout: 60_000, interval: 50 };
let shop: string;
let ops: string;

beforeAll(async () => {
  shop = await tokenOf('shop', all);
  ops = await tokenOf('ops', 'catalogue:ops');
  writeFileSync(join(home, 'token'), shop);
});
afterAll(async () => {
  await issuer[Symbol.asyncDispose]();
  rmSync(home, { recursive: true });
});
beforeEach(async () => {
  admit({});
  await stage.empty(catalogue());
});

const catalogue = () => stage.system.client({ token: async () => shop });

/** A token for an hour, which no page gets. */
async function tokenOf(sub: string, scope: string): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return await issuer.sign({ iss: issuer.url, aud: audience, sub, scope, iat: now, exp: now + 3_600 });
}

/** How many streams query-api sends now. */
async function streams(): Promise<number> {
  const headers = { authorization: `Bearer ${ops}` };
  const text = await (await fetch(`${stage.url}/metrics`, { headers })).text();
  return Number(/^stream_clients(?:\{.*\})? (\d+)$/m.exec(text)?.[1]);
}

function admit({ lifetime = 300, refreshes = true }: { lifetime?: number; refreshes?: boolean }): void {
  issuer.admitPage({ client, url: `${stage.url}/`, users, lifetime, refreshes });
}

/** Everything that one browser sent, showed, stored and logged in which a token could be. */
interface Traces {
  addresses: string[];
  console: string[];
  /** Access and refresh tokens that the issuer gave out. */
  tokens: Set<string>;
  /** The origins that got an access token. */
  receivers: Set<string>;
  refreshed: number;
}

function traceOf(context: BrowserContext): Traces {
  const traces: Traces = { addresses: [], console: [], tokens: new Set(), receivers: new Set(), refreshed: 0 };
  context.on('console', (message) => traces.console.push(message.text()));
  context.on('request', (request) => {
    traces.addresses.push(request.url());
    if (request.headers()['authorization'] !== undefined) traces.receivers.add(new URL(request.url()).origin);
    if (request.postData()?.includes('grant_type=refresh_token') === true) traces.refreshed += 1;
  });
  context.on('response', (response) => {
    if (!response.url().endsWith('/token') || response.request().method() !== 'POST') return;
    void response.json().then((answer: Record<string, unknown>) => {
      for (const name of ['access_token', 'refresh_token', 'id_token'])
        if (typeof answer[name] === 'string') traces.tokens.add(answer[name]);
    });
  });
  return traces;
}

/** Moves the page's clock forward. */
const canSkip = `let skippedMs = 0;
  const { now } = Date;
  Date.now = () => now() + skippedMs;
  globalThis.skip = (ms) => { skippedMs += ms; };`;

/**
 * Fills in the open dialog, and presses its button when the token has just expired: later, whatever else needs a token may have
 * ended the session, which disables the button.
 */
async function saveWhenExpired(
  { dialog }: CataloguePage,
  { name, price }: { name: string; price: string },
): Promise<void> {
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByLabel('Price').fill(price);
  await dialog.getByRole('button', { name: /^(Save|Create)$/ }).evaluate((control) => {
    (globalThis as unknown as { skip(ms: number): void }).skip(61_000);
    (control as unknown as { click(): void }).click();
  });
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

async function signIn({ page }: CataloguePage, user: string): Promise<void> {
  await button(page, 'Sign in').click();
  const field = page.getByLabel('User');
  await field.fill(user);
  await field.press('Enter');
  await page.getByText(`Signed in as ${user}`).waitFor();
}

/** The issuer asks whether the user means it. */
async function signOut({ page }: CataloguePage): Promise<void> {
  await button(page, 'Sign out').click();
  await page.getByRole('button', { name: /yes/i }).click();
  await page.getByText('Sign in to see the products.').waitFor();
}

async function openAs(user: string): Promise<CataloguePage> {
  const shown = await stage.open();
  await signIn(shown, user);
  return shown;
}

test('a user signs in, creates and reprices by the keyboard, and is named in the history; no token leaves its place', async () => {
  await using shown = await stage.open({}, `${stage.url}/?sort=-price`);
  const { page, dialog } = shown;
  const traces = traceOf(page.context());
  await page.getByText('Sign in to see the products.').waitFor();
  expect(await page.locator('#notice').isVisible()).toBe(false);
  expect(await page.getByRole('table', { name: 'Products' }).isVisible()).toBe(false);
  expect(await button(page, 'New product').isDisabled()).toBe(true);
  expect(await shown.obstacles()).toEqual([]);

  await button(page, 'Sign in').focus();
  await page.keyboard.press('Enter');
  await page.getByLabel('User').waitFor();
  await page.keyboard.type('ada');
  await page.keyboard.press('Enter');
  await page.getByText('Signed in as ada').waitFor();
  await shown.live();
  expect(page.url()).toBe(`${stage.url}/?sort=-price`);

  await page.keyboard.press('n');
  await shown.save({ name: 'Mouse', price: '10' });
  await shown.row('Mouse').click();
  await shown.save({ price: '11' });
  await expect.poll(() => shown.rows(), within).toEqual(['Mouse 11.00']);
  await shown.row('Mouse').click();
  await dialog.getByText(/2\. Changed: price 11\.00/).waitFor();
  expect(await dialog.locator('#history time').allTextContents()).toEqual([
    expect.stringMatching(/, ada$/),
    expect.stringMatching(/, ada$/),
  ]);
  // An image sends no token; the page fetches it.
  await dialog.getByRole('img').waitFor();
  expect(await shown.obstacles()).toEqual([]);
  await page.keyboard.press('Escape');

  await page.getByLabel('Select Mouse').check();
  await page.getByRole('button', { name: 'Schedule a promotion' }).first().click();
  // promotions may not know the product at once.
  const preview = async () => {
    await dialog.getByLabel('Percent').fill('');
    await dialog.getByLabel('Percent').fill('10');
    return dialog
      .getByText('9.90')
      .waitFor({ timeout: 2_000 })
      .then(
        () => 'shown',
        () => 'missing',
      );
  };
  await expect.poll(preview, within).toBe('shown');
  await page.keyboard.press('Escape');
  await page.locator('#promotions summary').click();
  await page.getByText('There are no promotions.').waitFor();

  await expect.poll(() => traces.tokens.size, within).toBeGreaterThanOrEqual(2);
  const origins = ['command-api', 'query-api', 'price-history', 'promotions'] as const;
  expect([...traces.receivers].toSorted()).toEqual(origins.map((name) => stage.system.services[name].url).toSorted());
  const kept = await page.evaluate<string>(`JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage })
    + document.cookie + document.documentElement.outerHTML`);
  const logs = stage.system.running.map(({ log }) => log);
  const places = [kept, ...traces.addresses, ...traces.console, ...logs].join('\n');
  for (const token of traces.tokens) expect(places.includes(token)).toBe(false);
  expect(places).not.toMatch(/"verifier"/);
  // Neither is the code in an address that "back" shows.
  expect(await page.evaluate<string>('location.href + history.length')).not.toMatch(/code=|state=/);
  expect(shown.faults).toEqual([]);
});

test('a reload asks the issuer again, without a question; after a sign-out it shows nothing', async () => {
  await catalogue().create({ name: 'Mouse', price: 10 });
  await using shown = await openAs('ada');
  await shown.page.reload();
  await shown.page.getByText('Signed in as ada').waitFor();
  await expect.poll(() => shown.rows(), within).toEqual(['Mouse 10.00']);
  await signOut(shown);
  expect(await shown.rows()).toEqual([]);
  await shown.page.reload();
  await shown.page.getByText('Sign in to see the products.').waitFor();
  expect(await shown.rows()).toEqual([]);
  expect(shown.faults).toEqual([]);
});

test('two tabs share a stream that goes on with the next token; signing out ends both', async () => {
  admit({ lifetime: 4 });
  await using shown = await openAs('ada');
  const traces = traceOf(shown.page.context());
  const other = await CataloguePage.openIn(shown.page.context(), stage.url);
  // The issuer knows the user.
  await button(other.page, 'Sign in').click();
  await other.page.getByText('Signed in as ada').waitFor();
  await other.live();
  await expect.poll(streams, within).toBe(1);
  const { id } = await catalogue().create({ name: 'Mouse', price: 10 });
  for (const tab of [shown, other]) await expect.poll(() => tab.rows(), within).toEqual(['Mouse 10.00']);
  // A service accepts a token for 30 s more. Then it ends the stream.
  const before = traces.refreshed;
  await expect.poll(() => traces.refreshed, within).toBeGreaterThan(before);
  await catalogue().change(id, { price: 12 });
  for (const tab of [shown, other]) await expect.poll(() => tab.rows(), within).toEqual(['Mouse 12.00']);
  expect(await streams()).toBe(1);
  for (const tab of [shown, other]) expect(await tab.stream.textContent()).toBe('Live');

  await signOut(shown);
  await other.page.getByText('Sign in to see the products.').waitFor();
  await expect.poll(streams, within).toBe(0);
  expect(await other.rows()).toEqual([]);
  expect([...shown.faults, ...other.faults]).toEqual([]);
}, 180_000);

test('without refresh tokens the page is authorized again, unless something typed would be lost', async () => {
  admit({ lifetime: 60, refreshes: false });
  await catalogue().create({ name: 'Mouse', price: 10 });
  await using shown = await stage.open();
  const { page, dialog } = shown;
  await page.addInitScript(canSkip);
  await signIn(shown, 'ada');
  await shown.row('Mouse').waitFor();
  await shown.search('mo');
  await expect.poll(() => page.url(), within).toBe(`${stage.url}/?q=mo`);
  // The stream may need a token before the search does.
  await Promise.all([
    page.waitForRequest(/prompt=none/),
    page.evaluate('skip(61_000)').then(() => shown.search('mou')),
  ]);
  await page.getByText('Signed in as ada').waitFor();
  await expect.poll(() => shown.rows(), within).toEqual(['Mouse 10.00']);
  expect(page.url()).toMatch(/\?q=mou?$/);

  await button(page, 'New product').click();
  await saveWhenExpired(shown, { name: 'Keyboard', price: '5' });
  await dialog.getByText('Nothing was saved: your sign-in has ended.').waitFor();
  expect(await dialog.getByLabel('Name').inputValue()).toBe('Keyboard');
  await page.keyboard.press('Escape');
  await page.getByText('Your sign-in has ended. Sign in to go on.').waitFor();
  expect(await shown.obstacles()).toEqual([]);
  await button(page, 'Sign in').click();
  await page.getByText('Signed in as ada').waitFor();
  expect(shown.faults).toEqual([]);
});

test('the page stays while the issuer is away, and is authorized again when it is back', async () => {
  admit({ lifetime: 60, refreshes: false });
  await catalogue().create({ name: 'Mouse', price: 10 });
  await using shown = await stage.open();
  const { page } = shown;
  await page.addInitScript(canSkip);
  await signIn(shown, 'ada');
  await shown.row('Mouse').waitFor();
  let asked = 0;
  await page.route(`${issuer.url}/**`, (route) => {
    asked += 1;
    return route.abort('connectionrefused');
  });
  await page.evaluate('skip(61_000)');
  await shown.search('mou');
  await expect.poll(() => asked, within).toBeGreaterThan(1);
  await expect.poll(() => page.url(), within).toBe(`${stage.url}/?q=mou`);
  expect(await page.getByText('Signed in as ada').isVisible()).toBe(true);
  await Promise.all([page.waitForRequest(/prompt=none/), page.unroute(`${issuer.url}/**`)]);
  await page.getByText('Signed in as ada').waitFor();
  await expect.poll(() => shown.rows(), within).toEqual(['Mouse 10.00']);
});

test('signing in says that the issuer is away, also if it was there before', async () => {
  admit({ lifetime: 60, refreshes: false });
  await using shown = await stage.open();
  const { page, dialog } = shown;
  await page.addInitScript(canSkip);
  await signIn(shown, 'ada');
  await button(page, 'New product').click();
  await saveWhenExpired(shown, { name: 'Keyboard', price: '5' });
  await dialog.getByText('Nothing was saved: your sign-in has ended.').waitFor();
  await page.keyboard.press('Escape');
  await page.route(`${issuer.url}/**`, (route) => route.abort('connectionrefused'));
  await button(page, 'Sign in').click();
  await page.getByText(/You could not be signed in/).waitFor();
  expect(page.url()).toBe(`${stage.url}/`);
});

test('a page that "back" shows as it was left asks the issuer again', async () => {
  admit({ lifetime: 60, refreshes: false });
  await using shown = await stage.open();
  const { page } = shown;
  await page.addInitScript(canSkip);
  await signIn(shown, 'ada');
  // With an answer without content the page goes on as it was when it left.
  const leaving = /prompt=none/;
  await page.route(leaving, (route) => route.fulfill({ status: 204 }), { times: 1 });
  await Promise.all([page.waitForResponse(leaving), page.evaluate('skip(61_000)').then(() => shown.search('mou'))]);
  await expect.poll(() => page.url(), within).toBe(`${stage.url}/?q=mou`);
  const restored = `dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))`;
  await Promise.all([page.waitForRequest(leaving), page.evaluate(restored)]);
  await page.getByText('Signed in as ada').waitFor();
  await expect.poll(() => page.url(), within).toBe(`${stage.url}/?q=mou`);
});

/** Answers requests for tokens as the issuer would, with what the page may read. */
async function answerTokens(
  page: Page,
  answer: () => { status: number; error: string } | 'hang' | 'go on',
): Promise<void> {
  await page.route(`${issuer.url}/token`, (route) => {
    const given = answer();
    if (given === 'hang') return;
    if (given === 'go on') return route.continue();
    const headers = { 'access-control-allow-origin': stage.url, 'content-type': 'application/json' };
    return route.fulfill({ status: given.status, headers, body: JSON.stringify({ error: given.error }) });
  });
}

test('a user works on with a valid token while the issuer hangs or asks to wait', async () => {
  await using shown = await stage.open();
  const { page } = shown;
  await page.addInitScript(canSkip);
  await signIn(shown, 'ada');
  await shown.live();
  const traces = traceOf(page.context());
  let ended = 0;
  page.on('requestfailed', (request) => (ended += request.url().endsWith('/token') ? 1 : 0));
  let asked = 0;
  await answerTokens(page, () => {
    asked += 1;
    if (asked === 1) return 'hang';
    return asked < 5 ? { status: 429, error: 'temporarily_unavailable' } : 'go on';
  });
  await Promise.all([
    page.waitForRequest(`${issuer.url}/token`),
    page.evaluate('skip(272_000)').then(() => shown.create('Keyboard', '5')),
  ]);
  await expect.poll(() => shown.rows(), within).toEqual(['Keyboard 5.00']);
  expect(ended).toBe(0);
  await expect.poll(() => asked, within).toBe(5);
  await shown.create('Mouse', '10');
  await expect.poll(() => shown.rows(), within).toHaveLength(2);
  expect(traces.addresses.filter((address) => address.includes('prompt=none'))).toEqual([]);
});

test.each([
  ['invalid_grant', 1],
  ['invalid_request', 5],
])('when the issuer answers %s to %i renewals, the page is authorized again', async (code, renewals) => {
  await using shown = await stage.open();
  const { page } = shown;
  await page.addInitScript(canSkip);
  await signIn(shown, 'ada');
  await shown.live();
  let asked = 0;
  await answerTokens(page, () => (++asked > renewals ? 'go on' : { status: 400, error: code }));
  await Promise.all([
    page.waitForRequest(/prompt=none/),
    page.evaluate('skip(301_000)').then(() => shown.search('mou')),
  ]);
  expect(asked).toBe(renewals);
  await page.getByText('Signed in as ada').waitFor();
});

test('who may only read sees why nothing can be changed, also on a phone', async () => {
  await catalogue().create({ name: 'Mouse', price: 10 });
  await using shown = await stage.open({ viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true });
  const { page, dialog } = shown;
  await signIn(shown, 'reader');
  await expect.poll(() => shown.rows(), within).toEqual(['Mouse 10.00']);
  const why = 'You can look, but not change anything: your account lacks the right catalogue:write.';
  await page.locator('#rights', { hasText: why }).waitFor();
  expect(await button(page, 'New product').isDisabled()).toBe(true);
  await page.keyboard.press('n');
  expect(await dialog.isVisible()).toBe(false);
  expect(await shown.obstacles()).toEqual([]);
  await shown.row('Mouse').click();
  await dialog.getByText(why).waitFor();
  expect(await button(page, 'Save').isDisabled()).toBe(true);
  expect(await dialog.getByLabel('Price').isEditable()).toBe(false);
  await dialog.getByText(/1\. Created: .*price 10\.00/).waitFor();
  expect(await shown.obstacles()).toEqual([]);
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
  expect(shown.faults).toEqual([]);
});

test('who may not read is told so', async () => {
  await using shown = await openAs('writer');
  await shown.page.getByText('The products cannot be shown: your account lacks the right catalogue:read.').waitFor();
  expect(await shown.stream.textContent()).toBe('Not connected');
});

test.each([
  ['that no sign-in of this tab asked for', false],
  ['with the state of another sign-in', true],
])('an answer %s is refused, and its code is not used', async (_, isBegun) => {
  await using shown = await stage.open();
  const { page } = shown;
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  if (isBegun) {
    const begun = JSON.stringify({ state: 'own', nonce: 'n', verifier: 'v'.repeat(43), from: '' });
    await page.evaluate(`sessionStorage.setItem('sign-in', '${begun}')`);
  }
  await page.goto(`${stage.url}/?code=stolen&state=foreign&iss=${encodeURIComponent(issuer.url)}`);
  await page.getByText(/You could not be signed in.*Sign in to see the products\./).waitFor();
  expect(page.url()).toBe(`${stage.url}/`);
  expect(asked.filter((url) => url.endsWith('/token'))).toEqual([]);
});

test('the policy of a page that signs in allows only the APIs and the issuer', async () => {
  const policy = (await fetch(stage.url)).headers.get('content-security-policy') ?? '';
  const { 'command-api': commands, 'price-history': prices, promotions } = stage.system.services;
  expect(policy).toContain(`connect-src 'self' ${commands.url} ${prices.url} ${promotions.url} ${issuer.url};`);
  expect(policy).toContain("img-src 'self' blob:;");
  expect(policy).toContain("form-action 'none'");
});

test('users of one browser have a stream each; it goes on when the tab leaves whose token it had', async () => {
  await using shown = await openAs('ada');
  const context = shown.page.context();
  const second = await CataloguePage.openIn(context, stage.url);
  await button(second.page, 'Sign in').click();
  await second.live();
  // The issuer knows nobody any more.
  await context.clearCookies();
  const other = await CataloguePage.openIn(context, stage.url);
  await signIn(other, 'grace');
  await other.live();
  await expect.poll(streams, within).toBe(2);
  await shown.page.close({ runBeforeUnload: true });
  await catalogue().create({ name: 'Mouse', price: 10 });
  for (const tab of [second, other]) await expect.poll(() => tab.rows(), within).toEqual(['Mouse 10.00']);
  await signOut(other);
  await expect.poll(streams, within).toBe(1);
  await catalogue().create({ name: 'Keyboard', price: 5 });
  await expect.poll(() => second.rows(), within).toEqual(['Keyboard 5.00', 'Mouse 10.00']);
  expect(await second.page.getByText('Signed in as ada').isVisible()).toBe(true);
  expect(await other.rows()).toEqual([]);
});

test('a token that an API refuses is renewed once, also where the tab reads the stream itself', async () => {
  await using shown = await stage.open();
  await shown.readStreamItself();
  await shown.page.addInitScript(canSkip);
  await signIn(shown, 'ada');
  await shown.live();
  const traces = traceOf(shown.page.context());
  const sent: (string | undefined)[] = [];
  // As an API answers when the issuer has replaced the key of the token.
  await shown.page.route(`${stage.system.services['command-api'].url}/products`, async (route) => {
    if (route.request().method() !== 'POST') return route.continue();
    sent.push(route.request().headers()['authorization']);
    if (sent.length > 1) return route.continue();
    const headers = { 'access-control-allow-origin': stage.url, 'content-type': 'application/problem+json' };
    return route.fulfill({ status: 401, headers, body: '{"type":"unauthenticated"}' });
  });
  await shown.page.evaluate('skip(10_000)');
  await shown.create('Keyboard', '5');
  await expect.poll(() => shown.rows(), within).toEqual(['Keyboard 5.00']);
  expect(traces.refreshed).toBe(1);
  expect(new Set(sent).size).toBe(2);
  expect(shown.faults).toEqual([]);
});
