/** The strip at the top edge that says what is wrong with the connection and what to do next. */

import type { State } from "./connection.ts";
import type { Ending, Loss } from "./ending.ts";
import { make, textButton } from "./dom.ts";

export interface BannerActions {
  retry(): void;
  startVm(): void;
  /** Where a new shell of this VM is opened. */
  newShellHref: string;
}

/** A loss shorter than this is not worth a word. */
const SHOW_AFTER_MS = 600;
const COUNTDOWN_MS = 250;

const LOSS_WORDS: Record<Loss, string> = {
  network: "Connection lost. The shell goes on; what you type is kept.",
  restart: "MiniCloud restarts. The shell goes on; what you type is kept.",
  node_unreachable: "The VM’s node does not answer. What you type is kept.",
};

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
    if (state.name === "reconnecting") {
      this.lostAt ??= Date.now();
      const wait = Math.max(0, this.lostAt + SHOW_AFTER_MS - Date.now());
      this.timer = setTimeout(() => this.showLoss(state.loss, state.retryAt), wait);
      return;
    }
    this.lostAt = null;
    if (state.name === "ended") {
      const [words, ...action] = this.ending(state.ending);
      this.fill("ended", words, ...action.filter((node) => node !== undefined));
    } else {
      this.clear();
    }
  }

  get visible(): boolean {
    return this.element.hasAttribute("data-kind");
  }

  stop(): void {
    clearTimeout(this.timer);
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

  private ending(ending: Ending): [words: string, action?: Node] {
    const { vm } = this;
    if (this.owner !== null) {
      const words = guestWords(ending, vm, this.owner);
      if (words !== null) return [words];
    }
    switch (ending.kind) {
      case "exited":
        return [exitWords(ending.code), this.newShell()];
      case "shell_not_found":
        return [ending.why ? `This shell is gone: ${ending.why}.` : "This shell is gone.", this.newShell()];
      case "vm_stopped":
        return [`${vm} was stopped; its files are kept.`, this.startButton()];
      case "revoked":
        return [`Your access to this shell has ended. Sign in, or ask the owner of ${vm}.`];
      case "too_many_viewers":
        return ["As many viewers as can be are watching this shell.", this.newShell()];
      case "malformed":
        return ["The connection sent something unreadable. The shell goes on.", this.reload()];
      case "version":
        return ["MiniCloud was updated and speaks another version now.", this.reload()];
    }
  }

  private newShell(): HTMLElement {
    const attributes = { class: "mct-action mct-primary", href: this.actions.newShellHref };
    return make("a", attributes, "New shell");
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
    this.shownLoss = null;
    delete this.element.dataset.kind;
    this.element.replaceChildren();
    this.changed();
  }
}

/** What a guest is told where the owner would be offered something; `null` where both are told the same. */
function guestWords(ending: Ending, vm: string, owner: string): string | null {
  switch (ending.kind) {
    case "exited":
      return exitWords(ending.code);
    case "shell_not_found":
      return "This shell is gone, or is not shared with you any more.";
    case "vm_stopped":
      return `${vm} was stopped. Ask ${owner} to share another shell.`;
    case "revoked":
      return `Your access to this shell has ended. Sign in, or ask ${owner}.`;
    case "too_many_viewers":
      return "As many viewers as can be are watching this shell.";
    default:
      return null;
  }
}

function exitWords(code: number | null): string {
  return code === null ? "The shell has ended." : `The shell has ended (exit code ${code}).`;
}
