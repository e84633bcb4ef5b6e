import { find } from './elements.ts';

const storedAs = 'shortcuts';

/** A key that works wherever the focus is, and the control with the same effect. */
export interface Shortcut {
  key: string;
  control: HTMLElement;
  act: () => void;
}

/** Shortcuts without Ctrl or Alt disturb users of speech input: they can be switched off, and stay off in this browser. */
export class Shortcuts {
  readonly #toggle = find('shortcuts', HTMLInputElement);
  readonly #shortcuts: readonly Shortcut[];

  constructor(shortcuts: readonly Shortcut[]) {
    this.#shortcuts = shortcuts;
    this.#switch(!isStoredOff());
    this.#toggle.addEventListener('change', () => {
      this.#switch(this.#toggle.checked);
      store(this.#toggle.checked);
    });
    // Another tab of this browser switched them.
    addEventListener('storage', ({ key }) => key === storedAs && this.#switch(!isStoredOff()));
    document.addEventListener('keydown', (event) => this.#press(event));
  }

  #switch(isOn: boolean): void {
    this.#toggle.checked = isOn;
    for (const { key, control } of this.#shortcuts) {
      if (isOn) control.setAttribute('aria-keyshortcuts', key);
      else control.removeAttribute('aria-keyshortcuts');
    }
  }

  #press(event: KeyboardEvent): void {
    const { target } = event;
    const isTyping = target instanceof HTMLInputElement && target.type !== 'checkbox';
    const isElsewhere = isTyping || document.querySelector('dialog[open]') !== null;
    if (!this.#toggle.checked || isElsewhere || event.ctrlKey || event.metaKey || event.altKey) return;
    const shortcut = this.#shortcuts.find(({ key }) => key === event.key);
    if (shortcut === undefined) return;
    shortcut.act();
    event.preventDefault();
  }
}

function isStoredOff(): boolean {
  try {
    return localStorage.getItem(storedAs) === 'off';
  } catch {
    // A browser that stores nothing for a page: they are on until they are switched off.
    return false;
  }
}

function store(isOn: boolean): void {
  try {
    if (isOn) localStorage.removeItem(storedAs);
    else localStorage.setItem(storedAs, 'off');
  } catch {
    // A browser that stores nothing for a page: it holds until the page is left.
  }
}
