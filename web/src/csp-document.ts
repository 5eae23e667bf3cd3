/**
 * A view of the document for xterm that keeps to a strict Content-Security-Policy. xterm makes
 * `<style>` elements (which need the page's nonce) and sets `style` attributes on the spans of its
 * DOM renderer (which a policy without 'unsafe-inline' forbids, while the CSSOM may do the same).
 */

/** For xterm's option `documentOverride`; everything but `createElement` is the document's own. */
export function cspDocument(real: Document, nonce: string): Document {
  const createElement = (name: string, options?: ElementCreationOptions): HTMLElement => {
    const element = real.createElement(name, options);
    if (element instanceof HTMLStyleElement) element.nonce = nonce;
    if (element instanceof HTMLSpanElement) styleThroughCssom(element);
    return element;
  };
  return new Proxy(real, {
    get(target, key) {
      if (key === "createElement") return createElement;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
    set: (target, key, value) => Reflect.set(target, key, value, target),
  });
}

function styleThroughCssom(element: HTMLElement): void {
  const setAttribute = element.setAttribute.bind(element);
  element.setAttribute = (name, value) => {
    if (name === "style") element.style.cssText = value;
    else setAttribute(name, value);
  };
}
