/** Asks before a paste that would run several lines at once. */

import { countLines } from "./clipboard.ts";
import { make, textButton } from "./dom.ts";

const PREVIEW_LINES = 8;
const PREVIEW_COLUMNS = 200;

/** Shows the text and resolves with whether it is wanted. */
export function confirmPaste(parent: HTMLElement, vm: string, text: string): Promise<boolean> {
  const count = countLines(text);
  const lines = count === 1 ? "one line that runs at once" : `${count} lines`;
  const dialog = make("dialog", { class: "mct-dialog", "aria-labelledby": "mct-paste-title" });
  const paste = textButton("Paste", () => dialog.close("paste"));
  paste.classList.add("mct-primary");
  const cancel = textButton("Cancel", () => dialog.close());
  dialog.append(
    make("h2", { id: "mct-paste-title" }, `Paste ${lines} into ${vm}?`),
    make("p", {}, "The program there takes each line as if you had typed it and pressed Enter."),
    make("pre", { tabindex: "0", "aria-label": "Text to paste" }, preview(text)),
    make("div", { class: "mct-dialog-actions" }, cancel, paste),
  );
  parent.append(dialog);
  dialog.showModal();
  paste.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "paste");
    });
  });
}

function preview(text: string): string {
  const lines = text.split(/\r\n|\r|\n/);
  const shown = lines.slice(0, PREVIEW_LINES).map((line) => line.slice(0, PREVIEW_COLUMNS));
  const left = countLines(text) - PREVIEW_LINES;
  if (left > 0) shown.push(left === 1 ? "… and one more line" : `… and ${left} more lines`);
  return shown.join("\n").trimEnd();
}
