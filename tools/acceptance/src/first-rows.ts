import { openBrowser } from './browser.ts';

/**
 * Milliseconds from the first byte of the page's response until it paints its first rows, for this many openings without a
 * cache. One opening before starts the browser's processes.
 */
export async function measureFirstRows(url: string, openings: number): Promise<number[]> {
  await using browser = await openBrowser();
  const times: number[] = [];
  for (let i = 0; i <= openings; i++) {
    await using context = await browser.newContext();
    const page = await context.newPage();
    // Recorded in the browser, after the frame that draws the rows.
    await page.addInitScript(`window.firstRows = new Promise((resolve) => new MutationObserver((_, observer) => {
      if (document.querySelector('#rows tr') === null) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
    }).observe(document, { childList: true, subtree: true }))`);
    await page.goto(url);
    const time = await page.evaluate<number>(
      `firstRows.then((at) => at - performance.getEntriesByType('navigation')[0].responseStart)`,
    );
    if (i > 0) times.push(time);
  }
  return times;
}
