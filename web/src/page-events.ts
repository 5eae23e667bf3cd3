/** Events by which the element speaks to the page around it. */

import type { State } from "./connection.ts";

/** Tells that the connection's state has changed; when it has ended, how. */
export function tellState(element: HTMLElement, state: State): void {
  const detail = { state: state.name, ...(state.name === "ended" && { ending: state.ending }) };
  element.dispatchEvent(new CustomEvent("mc-state", { bubbles: true, detail }));
}

/** Asks the page to start the VM; a page without a script for it has a form. */
export function askForStart(element: HTMLElement, vm: string): void {
  const detail = { vm };
  const event = new CustomEvent("mc-vm-start", { bubbles: true, cancelable: true, detail });
  if (!element.dispatchEvent(event)) return;
  const form = document.getElementById("vm-start-form");
  if (form instanceof HTMLFormElement) form.requestSubmit();
}
