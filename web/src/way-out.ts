/** Who came to the terminal by the keyboard is told how to leave it: Tab does not. */

export interface WayOut {
  show(on: boolean): void;
  /** No shell any more: Tab leads on as in any page. */
  ended(): boolean;
}

/** Watches how the focus comes into `screen`, until `signal` aborts. */
export function watchWayOut(screen: HTMLElement, wayOut: WayOut, signal: AbortSignal): void {
  let pointed = false;
  const point = (): void => {
    pointed = true;
    wayOut.show(false);
  };
  const press = ({ key, target }: KeyboardEvent): void => {
    const typed = target instanceof Node && screen.contains(target);
    if (key === "F6" || (key === "Tab" && !typed)) pointed = false;
  };
  addEventListener("pointerdown", point, { capture: true, signal });
  addEventListener("keydown", press, { capture: true, signal });
  screen.addEventListener("focusin", () => wayOut.show(!pointed && !wayOut.ended()), { signal });
  screen.addEventListener("focusout", () => wayOut.show(false), { signal });
}
