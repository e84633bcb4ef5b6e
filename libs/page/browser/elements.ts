/** The document’s element with this id. */
export function find<E extends HTMLElement>(id: string, type: new () => E): E {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`The document has no ${type.name} #${id}`);
}

/** Makes an element. Names and prices are set as text, never as markup. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Sets a text only if it differs: screen readers announce each write. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** A name inside a sentence, isolated because it may run right to left. */
export function isolated(name: string): string {
  return `\u2068${name}\u2069`;
}

/** Shows the fault of a field; an empty text means that there is none. */
export function markField(field: HTMLInputElement, message: HTMLElement, fault: string): void {
  setText(message, fault);
  if (fault === '') field.removeAttribute('aria-invalid');
  else field.setAttribute('aria-invalid', 'true');
}
