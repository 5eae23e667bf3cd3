/**
 * xterm under a strict Content-Security-Policy: the `<style>` elements it makes need the page's
 * nonce. (The `style` attributes it sets are turned into CSSOM calls in build.mjs.)
 */

/** For xterm's option `documentOverride`; everything but `createElement` is the document's own. */
export function cspDocument(real: Document, nonce: string): Document {
  const createElement = (name: string, options?: ElementCreationOptions): HTMLElement => {
    const element = real.createElement(name, options);
    if (element instanceof HTMLStyleElement) element.nonce = nonce;
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

/**
 * Runs `action` with styles made by `real` itself carrying the nonce: xterm 6 makes one of its style
 * elements past `documentOverride`, while it opens.
 */
export function withNonce(real: Document, nonce: string, action: () => void): void {
  const own = Object.getOwnPropertyDescriptor(real, "createElement");
  const createElement = real.createElement.bind(real);
  real.createElement = (name: string, options?: ElementCreationOptions): HTMLElement => {
    const element = createElement(name, options);
    if (element instanceof HTMLStyleElement) element.nonce = nonce;
    return element;
  };
  try {
    action();
  } finally {
    if (own === undefined) Reflect.deleteProperty(real, "createElement");
    else Object.defineProperty(real, "createElement", own);
  }
}

/**
 * The page's nonce, by the property: browsers hide the attribute from scripts. A page whose script
 * has drawn the element anew may have lost it there; its own scripts still have it.
 */
export function nonceFor(element: HTMLElement): string {
  if (element.nonce !== undefined && element.nonce !== "") return element.nonce;
  return document.querySelector<HTMLScriptElement>("script[nonce]")?.nonce ?? "";
}
