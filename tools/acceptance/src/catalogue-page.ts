import axe from 'axe-core';
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core';

/** The catalogue page in a separate browser, operated as its users do: by what they see and hear. */
export class CataloguePage implements AsyncDisposable {
  readonly page: Page;
  /** Faults in the browser: exceptions, violations of the policy, requests to other hosts. */
  readonly faults: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on('pageerror', (error) => this.faults.push(error.message));
    page.on('console', (message) => {
      // The browser also reports failures that the page handles: refusals, and servers that are down.
      const isExpected = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !isExpected) this.faults.push(message.text());
    });
  }

  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<CataloguePage> {
    return CataloguePage.openIn(await browser.newContext({ locale: 'en-US', ...options }), url);
  }

  /** The page in another tab of a browser. */
  static async openIn(context: BrowserContext, url: string): Promise<CataloguePage> {
    const opened = new CataloguePage(await context.newPage());
    // As long as other waits: the default of 30 s is short on a machine that is busy with others.
    opened.page.setDefaultTimeout(60_000);
    const hosts = new Set<string>();
    opened.page.on('request', (request) => hosts.add(new URL(request.url()).hostname));
    await opened.page.goto(url);
    opened.page.on('request', (request) => {
      if (!hosts.has(new URL(request.url()).hostname)) opened.faults.push(`Request to ${request.url()}`);
    });
    return opened;
  }

  get stream(): Locator {
    return this.page.locator('#stream');
  }

  get footer(): Locator {
    return this.page.getByRole('contentinfo');
  }

  get dialog(): Locator {
    return this.page.getByRole('dialog');
  }

  /** Resolves when changes reach the page. */
  async live(): Promise<this> {
    await this.page.locator('#stream[data-state="live"]').waitFor();
    return this;
  }

  /** From the next load on the tab reads the stream itself, so that its routes apply to the stream, too. */
  async readStreamItself(): Promise<void> {
    await this.page.addInitScript('delete globalThis.SharedWorker');
  }

  /** The first two columns of all rows: `Mouse 39.90`. */
  async rows(): Promise<string[]> {
    return this.page.evaluate(`[...document.querySelectorAll('#rows tr')].map((line) =>
      [...line.children].slice(0, 2).map((cell) => cell.textContent).join(' '))`);
  }

  row(name: string): Locator {
    return this.page.locator('#rows').getByRole('button', { name, exact: true });
  }

  async search(text: string): Promise<void> {
    await this.page.getByLabel('Search').fill(text);
  }

  /** Fills in the open dialog and presses its button. */
  async save(fields: { name?: string; price?: string }): Promise<void> {
    const { name, price } = fields;
    if (name !== undefined) await this.dialog.getByLabel('Name').fill(name);
    if (price !== undefined) await this.dialog.getByLabel('Price').fill(price);
    await this.dialog.getByRole('button', { name: /^(Save|Create)$/ }).click();
  }

  async create(name: string, price: string): Promise<void> {
    await this.page.getByRole('button', { name: 'New product' }).click();
    await this.save({ name, price });
  }

  /** Serious accessibility problems, a line each. */
  async obstacles(): Promise<string[]> {
    // An isolated world, which the page's policy does not affect.
    const session = await this.page.context().newCDPSession(this.page);
    const { frameTree } = await session.send('Page.getFrameTree');
    const { executionContextId: contextId } = await session.send('Page.createIsolatedWorld', {
      frameId: frameTree.frame.id,
    });
    await session.send('Runtime.evaluate', { expression: axe.source, contextId });
    const expression = `axe.run().then(({ violations }) => violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`;
    const { result } = await session.send('Runtime.evaluate', {
      expression,
      contextId,
      awaitPromise: true,
      returnByValue: true,
    });
    return result.value as string[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }
}
