/** Keys that are the page's and not the program's. */

import type { Terminal } from "@xterm/xterm";

export interface KeyActions {
  /** Copies the selection and lets go of it. */
  copy(): void;
  search(): void;
  /** Moves the focus out of the terminal, to the bar. */
  leave(): void;
  /** No shell any more: keys do what they do in a page, Tab above all. */
  ended(): boolean;
}

/** `Ctrl+Shift+V` and `Shift+Insert` are left to the browser, which pastes without a permission. */
const PASTE = ["Ctrl+Shift+V", "Shift+Insert"];

export function bindKeys(xterm: Terminal, actions: KeyActions): void {
  xterm.attachCustomKeyEventHandler((event) => {
    if (actions.ended()) return false;
    const chord = chordOf(event);
    if (PASTE.includes(chord)) return false;
    const action = actionOf(chord, xterm.hasSelection(), actions);
    if (action === null) return true;
    event.preventDefault();
    if (event.type === "keydown") action();
    return false;
  });
}

function actionOf(chord: string, selected: boolean, actions: KeyActions): (() => void) | null {
  switch (chord) {
    case "Ctrl+Shift+C":
    case "Ctrl+Insert":
      return actions.copy;
    case "Ctrl+C":
      return selected ? actions.copy : null;
    case "Ctrl+Shift+F":
      return actions.search;
    case "Ctrl+F6":
      return actions.leave;
    default:
      return null;
  }
}

/** `Ctrl+Shift+C` and the like, whatever the state of caps lock. */
function chordOf(event: KeyboardEvent): string {
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const held = [
    event.ctrlKey && "Ctrl",
    event.altKey && "Alt",
    event.shiftKey && "Shift",
    event.metaKey && "Meta",
  ];
  return [...held.filter((name) => name !== false), key].join("+");
}
