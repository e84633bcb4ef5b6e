import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { openBrowser } from './browser.ts';
import { CataloguePage } from './catalogue-page.ts';
import { System, type SystemOptions } from './system.ts';

/** A browser window, whose tabs share storage as those of one person. */
export interface BrowserWindow extends AsyncDisposable {
  /** Opens tabs with the page, one after another, each until changes reach it. */
  openTabs(count: number): Promise<CataloguePage[]>;
}

/** A system and a browser for the tests of the page in one file, from before its first test until after its last. */
export class Stage {
  #system: System | undefined;
  #browser: Browser | undefined;

  constructor(options: SystemOptions = {}) {
    beforeAll(async () => {
      [this.#system, this.#browser] = await Promise.all([System.start(options), openBrowser()]);
    });
    afterAll(async () => {
      await this.#browser?.close();
      await this.#system?.[Symbol.asyncDispose]();
    });
  }

  get system(): System {
    if (this.#system === undefined) throw new Error('The system exists only while a test runs');
    return this.#system;
  }

  /** The page's address. */
  get url(): string {
    return this.system.services['query-api'].url;
  }

  /** The page in a new window, at another address if given. */
  async open(options: BrowserContextOptions = {}, url: string = this.url): Promise<CataloguePage> {
    if (this.#browser === undefined) throw new Error('The browser exists only while a test runs');
    return CataloguePage.open(this.#browser, url, options);
  }

  /** The page in a new window, receiving changes. */
  async openLive(options: BrowserContextOptions = {}, path = ''): Promise<CataloguePage> {
    return (await this.open(options, this.url + path)).live();
  }

  /** A browser window without a tab; the script runs in each tab before the page's own. */
  async openWindow(initScript: string): Promise<BrowserWindow> {
    if (this.#browser === undefined) throw new Error('The browser exists only while a test runs');
    const context = await this.#browser.newContext({ locale: 'en-US' });
    if (initScript !== '') await context.addInitScript(initScript);
    return {
      openTabs: async (count) => {
        const tabs: CataloguePage[] = [];
        for (let i = 0; i < count; i++) tabs.push(await (await CataloguePage.openIn(context, this.url)).live());
        return tabs;
      },
      [Symbol.asyncDispose]: () => context.close(),
    };
  }

  /** Discontinues all products. */
  async empty(catalogue = this.system.client()): Promise<void> {
    for await (const { id } of catalogue.list()) await catalogue.discontinue(id);
    await catalogue.page();
  }
}
