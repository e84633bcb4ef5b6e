import { openBrowser } from './browser.ts';

/**
 * Milliseconds from the first byte of the page's response until its first rows are painted, of so many openings in windows of their own,
 * with nothing cached. One before them starts the browser's own processes.
 */
export async function measureFirstRows(url: string, openings: number): Promise<number[]> {
  await using browser = await openBrowser();
  const times: number[] = [];
  for (let i = 0; i <= openings; i++) {
    await using context = await browser.newContext();
    const page = await context.newPage();
    // Noted by the browser itself: after the frame in which the rows are drawn.
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
