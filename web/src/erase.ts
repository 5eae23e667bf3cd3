/**
 * xterm 6.0 fails at "erase up to the cursor" (ED 1) in the last cell of a screen that has no line above
 * it: it looks for the line below. What it throws there ends its parser for good, and the page would show
 * nothing any more, whatever comes. What is to be erased there is the whole screen.
 */

import type { Terminal } from "@xterm/xterm";

const UP_TO_CURSOR = 1;
const ALL = 2;

/** What is used of xterm's inside: its public side erases nothing. */
interface Inside {
  _core?: { _inputHandler?: { eraseInDisplay?(params: { length: number; params: number[] }, keepsProtected: boolean): boolean } };
}

/** Sees to ED and DECSED where xterm would fail; all else is left to it. */
export function mendErase(xterm: Pick<Terminal, "parser" | "buffer" | "cols">): void {
  for (const prefix of ["", "?"]) {
    xterm.parser.registerCsiHandler({ prefix, final: "J" }, (params) => {
      const { active } = xterm.buffer;
      const inLastColumn = active.cursorX >= xterm.cols - 1;
      const fails = params[0] === UP_TO_CURSOR && inLastColumn && active.getLine(active.cursorY + 1) === undefined;
      const handler = (xterm as Inside)._core?._inputHandler;
      return fails && handler?.eraseInDisplay !== undefined
        ? handler.eraseInDisplay({ length: 1, params: [ALL] }, prefix === "?")
        : false;
    });
  }
}
