import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Starts a headless Chromium: that of `CHROMIUM`, or the first installed one. */
export async function openBrowser(): Promise<Browser> {
  // As root, as often in containers, Chromium runs only without its sandbox.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: findChromium(), args });
}

function findChromium(): string {
  const { CHROMIUM: named, PATH = '' } = process.env;
  const candidates = PATH.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  const found = named ?? candidates.find(isExecutable);
  if (found === undefined)
    throw new Error('The tests need Chromium or Chrome: `apt install chromium`, or name one in CHROMIUM');
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
