/** The element of the document with this id. */
export function find<E extends HTMLElement>(id: string, type: new () => E): E {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`The document has no ${type.name} #${id}`);
}

/** A new element. Text is only ever set as text: what is in the catalogue is never taken for markup. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Writes only what is new: screen readers announce what is written. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** A name within a sentence, whichever way it is written. */
export function isolated(name: string): string {
  return `\u2068${name}\u2069`;
}

/** Shows what is wrong with a field, or with an empty text that nothing is. */
export function markField(field: HTMLInputElement, message: HTMLElement, fault: string): void {
  setText(message, fault);
  if (fault === '') field.removeAttribute('aria-invalid');
  else field.setAttribute('aria-invalid', 'true');
}
