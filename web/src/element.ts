/**
 * `<mc-terminal vm="web1" shell="UUID" attach="/shells/UUID/attach" nonce="…">`: a shell of a VM in
 * the page. `new-shell` may say where a new one is opened (by default
 * this page's path with `?new=1`: `/shell/web1?new=1`). `guest-of="ann"`: the shell is hers, so that
 * nothing is offered that only she may. `watch`: nothing is typed. `start-failed` is set by the page, to
 * a sentence that says why, when the VM did not start as the person had asked.
 * `data-state` is the state of the connection.
 */

import { ShellView } from "./shell-view.ts";

const START_FAILED = "start-failed";

export class McTerminal extends HTMLElement {
  static readonly observedAttributes = ["attach", "vm", "watch", START_FAILED];

  private view: ShellView | null = null;

  connectedCallback(): void {
    this.view ??= new ShellView(this);
  }

  disconnectedCallback(): void {
    this.view?.dispose();
    this.view = null;
  }

  /** Another shell is to be shown: everything starts over. Why a start failed is told each time it is set. */
  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (name === START_FAILED) {
      if (after !== null) this.view?.startFailed(after);
      return;
    }
    if (this.view === null || before === after) return;
    this.disconnectedCallback();
    this.connectedCallback();
  }

  /** The characters on the screen now, a line each. */
  terminalText(): string {
    return this.view?.terminal.text() ?? "";
  }

  /** Columns and rows, as `80x24`. */
  sizeText(): string {
    const size = this.view?.terminal.size;
    return size === undefined ? "" : `${size.cols}x${size.rows}`;
  }

  override focus(): void {
    this.view?.terminal.xterm.focus();
  }
}
