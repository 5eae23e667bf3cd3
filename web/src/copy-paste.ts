/** Copies out of the terminal, and pastes into it. */

import type { Terminal } from "@xterm/xterm";

import { copyText, needsGuard, sanitizePaste } from "./clipboard.ts";
import { confirmPaste } from "./paste-guard.ts";

export interface CopyPasteOptions {
  /** Where it is asked about a paste, and which VM is meant. */
  root: HTMLElement;
  vm: string;
  /** Whoever only watches pastes nothing. */
  watches: boolean;
  /** No shell any more: nothing is pasted. */
  ended(): boolean;
  /** A few words on what was just done. */
  say(words: string): void;
}

export class CopyPaste {
  /** What was selected before the mouse was pressed, and is not to be copied again by it. */
  private before = "";

  constructor(
    private readonly xterm: Terminal,
    private readonly options: CopyPasteOptions,
  ) {}

  /** Sees to what is pasted into `screen`, and selected there, until `signal` aborts. */
  bind(stage: HTMLElement, screen: HTMLElement, signal: AbortSignal): void {
    const pasted = (event: ClipboardEvent): void => this.pasted(event, screen);
    // Above the screen, so before xterm's own handler.
    stage.addEventListener("paste", pasted, { capture: true, signal });
    screen.addEventListener("mousedown", () => this.pressed(signal), { capture: true, signal });
    screen.addEventListener("mousedown", () => this.letGoOf(), { signal });
  }

  async copy(then: "keep" | "clear"): Promise<void> {
    const text = this.xterm.getSelection();
    if (text === "") return this.options.say("Select something to copy first");
    const copied = await copyText(text);
    this.options.say(copied ? "Copied" : "The browser did not allow the copy");
    if (then === "clear") this.xterm.clearSelection();
  }

  private pressed(signal: AbortSignal): void {
    this.before = this.xterm.getSelection();
    // A mouse that selects is often let go outside the screen.
    addEventListener("mouseup", () => this.released(), { once: true, signal });
  }

  /** After xterm's own handler: where it begins anew, the same words again are a new selection. */
  private letGoOf(): void {
    if (!this.xterm.hasSelection()) this.before = "";
  }

  /** A selection made with the mouse is a copy made, as in other terminals. */
  private released(): void {
    // xterm finishes the selection in its own handler of the same event.
    setTimeout(() => {
      const selected = this.xterm.getSelection();
      if (selected !== "" && selected !== this.before) void this.copy("keep");
    });
  }

  private pasted(event: ClipboardEvent, screen: HTMLElement): void {
    if (!(event.target instanceof Node) || !screen.contains(event.target)) return;
    event.preventDefault();
    event.stopPropagation();
    void this.paste(sanitizePaste(event.clipboardData?.getData("text/plain") ?? ""));
  }

  private async paste(text: string): Promise<void> {
    const { root, vm, watches, ended, say } = this.options;
    if (watches) return say("You only watch this shell");
    if (text === "" || ended()) return;
    const { xterm } = this;
    const guarded = needsGuard(text, xterm.modes.bracketedPasteMode);
    if (!guarded || (await confirmPaste(root, vm, text))) xterm.paste(text);
    xterm.focus();
  }
}
