/** A pause that can be ended early. */
export class Wake {
  #end = () => {};
  #isDue = false;

  /** Resolves after the milliseconds, or when `now` is called; at once if it was called since the last pause. */
  async after(milliseconds: number): Promise<void> {
    if (!this.#isDue) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.#end = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#isDue = false;
    this.#end = () => {};
  }

  now(): void {
    this.#isDue = true;
    this.#end();
  }
}
