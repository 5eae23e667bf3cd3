/** The strip at the top edge that says what is wrong with the connection and what to do next. */

import type { State } from "./connection.ts";
import type { Ending, Loss } from "./ending.ts";
import { make, textButton } from "./dom.ts";
import { LOSS_WORDS, endingWords } from "./words.ts";

export interface BannerActions {
  retry(): void;
  /** After an ending that may have passed. */
  again(): void;
  startVm(): void;
  /** A loss that was told is over. */
  returned(): void;
  /** Where a new shell of this VM is opened. */
  newShellHref: string;
  signInHref: string;
}

/** A loss shorter than this is not worth a word. */
const SHOW_AFTER_MS = 600;
const COUNTDOWN_MS = 250;
/** A shell that takes no more input lets a viewer in, and puts it out again at the first input. */
const BUSY_REST_MS = 1_500;

export class Banner {
  /** A live region, always in the page, so that screen readers hear what changes in it. */
  readonly element = make("div", { class: "mct-banner", role: "status" });
  /** The seconds are for the eye alone: a live region that counts would never be quiet. */
  private readonly countdown = make("span", { class: "mct-countdown", "aria-hidden": "true" });
  private lostAt: number | null = null;
  private shownLoss: Loss | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly vm: string,
    /** Whose shell it is, when it is not the viewer's: only they open shells and start the VM. */
    private readonly owner: string | null,
    private readonly actions: BannerActions,
    private readonly changed: () => void,
  ) {}

  show(state: State): void {
    clearTimeout(this.timer);
    if (state.name === "reconnecting") return this.lose(state.loss, state.retryAt);
    this.lostAt = null;
    if (state.name === "ended") this.end(state.ending);
    else if (this.shownLoss === "busy") this.rest();
    else this.clear();
  }

  /** Pressing Start did not help: says why, and offers it again. */
  startFailed(words: string): void {
    this.fill("ended", `${this.vm} did not start: ${words}`, this.startButton());
  }

  get visible(): boolean {
    return this.element.hasAttribute("data-kind");
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private lose(loss: Loss, retryAt: number): void {
    this.lostAt ??= Date.now();
    const wait = Math.max(0, this.lostAt + SHOW_AFTER_MS - Date.now());
    this.timer = setTimeout(() => this.showLoss(loss, retryAt), wait);
  }

  private showLoss(loss: Loss, retryAt: number): void {
    // Drawn once for all attempts, so that the focus stays on the button.
    if (this.shownLoss !== loss) {
      this.fill("loss", LOSS_WORDS[loss], this.countdown, textButton("Try now", this.actions.retry));
      this.shownLoss = loss;
    }
    const tick = (): void => {
      const seconds = Math.ceil((retryAt - Date.now()) / 1000);
      this.countdown.textContent = seconds > 0 ? `Next try in ${seconds} s` : "Trying…";
      this.timer = setTimeout(tick, COUNTDOWN_MS);
    };
    tick();
  }

  /** What is said stays until it has not been needed for a moment. */
  private rest(): void {
    this.countdown.textContent = "Trying…";
    this.timer = setTimeout(() => this.clear(), BUSY_REST_MS);
  }

  private end(ending: Ending): void {
    const words = endingWords(ending, this.vm, this.owner);
    this.fill("ended", words, ...this.offers(ending));
  }

  /** What helps; a guest is not offered what only the owner may. */
  private offers(ending: Ending): Node[] {
    const owns = this.owner === null;
    switch (ending.kind) {
      case "exited":
      case "shell_not_found":
        return owns ? [this.newShell()] : [];
      case "vm_stopped":
        return owns ? [this.startButton()] : [];
      case "revoked":
        return ending.signInHelps === true ? [this.signIn()] : [];
      case "too_many_viewers":
        return owns ? [this.tryAgain(), this.newShell()] : [this.tryAgain()];
      case "malformed":
      case "version":
        return [this.reload()];
    }
  }

  private newShell(): HTMLElement {
    const attributes = { class: "mct-action mct-primary", href: this.actions.newShellHref };
    return make("a", attributes, "New shell");
  }

  /** Loads a page anew: who is asking has changed. */
  private signIn(): HTMLElement {
    const href = this.actions.signInHref;
    return make("a", { class: "mct-action mct-primary", rel: "external", href }, "Sign in");
  }

  private tryAgain(): HTMLElement {
    return textButton("Try again", this.actions.again);
  }

  private startButton(): HTMLElement {
    const button = textButton("Start", () => {
      button.disabled = true;
      button.textContent = "Starting…";
      this.actions.startVm();
    });
    button.classList.add("mct-primary");
    button.setAttribute("aria-label", `Start ${this.vm}`);
    return button;
  }

  private reload(): HTMLElement {
    const button = textButton("Reload the page", () => location.reload());
    button.classList.add("mct-primary");
    return button;
  }

  private fill(kind: string, words: string, ...rest: Node[]): void {
    this.shownLoss = null;
    this.element.replaceChildren(make("span", { class: "mct-words" }, words), ...rest);
    this.element.dataset.kind = kind;
    this.changed();
  }

  private clear(): void {
    if (!this.visible) return;
    if (this.shownLoss !== null) this.actions.returned();
    this.shownLoss = null;
    delete this.element.dataset.kind;
    this.element.replaceChildren();
    this.changed();
  }
}
