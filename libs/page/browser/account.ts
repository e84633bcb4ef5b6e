import { find, setText } from './elements.ts';
import type { Session } from './session.ts';

/** The line that says who is signed in, with the button to sign in or out. */
export class Account {
  readonly #line = find('account', HTMLElement);
  readonly #state = find('account-state', HTMLElement);
  readonly #button = find('account-button', HTMLButtonElement);

  constructor(session: Session) {
    this.#button.addEventListener('click', () => {
      void (session.subject === undefined ? session.signIn() : session.signOut());
    });
  }

  /** `hasList`: products that were loaded before are still shown. */
  show({ subject, fault }: Pick<Session, 'subject' | 'fault'>, hasList: boolean): void {
    const invitation = hasList ? 'Sign in to go on.' : 'Sign in to see the products.';
    setText(this.#state, subject === undefined ? `${fault} ${invitation}`.trim() : `Signed in as ${subject}`);
    setText(this.#button, subject === undefined ? 'Sign in' : 'Sign out');
    this.#button.classList.toggle('primary', subject === undefined);
    this.#line.hidden = false;
  }
}
