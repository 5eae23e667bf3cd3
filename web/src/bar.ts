/** The 36 px bar over the terminal: which VM, how it is connected, and the tools. */

import smallerIcon from "lucide-static/icons/a-arrow-down.svg";
import largerIcon from "lucide-static/icons/a-arrow-up.svg";
import readerIcon from "lucide-static/icons/accessibility.svg";
import copyIcon from "lucide-static/icons/copy.svg";
import viewersIcon from "lucide-static/icons/eye.svg";
import fullIcon from "lucide-static/icons/maximize.svg";
import searchIcon from "lucide-static/icons/search.svg";

import type { State } from "./connection.ts";
import { icon, iconButton, make, textButton } from "./dom.ts";
import { after } from "./environment.ts";
import type { Size } from "./protocol.ts";
import { Rest } from "./rest.ts";

/** What the buttons do. */
export interface BarActions {
  search(): void;
  fontSize(step: 1 | -1): void;
  copy(): void;
  screenReader(): void;
  fullScreen(): void;
  takeSize(): void;
}

const NOTICE_MS = 2_500;
/** A viewer who comes back after a lost connection is nothing to be read out. */
const COMPANY_REST_MS = 2_000;

const STATE_WORDS: Record<State["name"], string> = {
  connecting: "Connecting",
  connected: "Connected",
  reconnecting: "Reconnecting",
  ended: "Ended",
};

export class Bar {
  readonly element: HTMLElement;
  private readonly vm = make("span", { class: "mct-vm" });
  private readonly word = make("span");
  private readonly size = make("span", { class: "mct-size" });
  private readonly viewerCount = make("span");
  /** For the eye: a screen reader is told in whole words. */
  private readonly viewers = make("span", { class: "mct-viewers", "aria-hidden": "true", hidden: "" });
  /** A live region, so always in the page. */
  private readonly company = make("span", { class: "mct-offscreen", role: "status" });
  private readonly companyRest = new Rest(after, COMPANY_REST_MS, () => this.tellCompany());
  private viewersNow = 1;
  private readonly watching = make("span", { class: "mct-watching" }, "Watching");
  private readonly takeSize: HTMLButtonElement;
  /** For the eye: a screen reader is told by the terminal's description. */
  private readonly wayOut = make(
    "span",
    { class: "mct-way-out", "aria-hidden": "true", hidden: "" },
    "Ctrl+F6 leaves the terminal",
  );
  private readonly notice = make("span", { class: "mct-notice", role: "status" });
  private readonly reader: HTMLButtonElement;
  private readonly first: HTMLButtonElement;
  private noticeTimer: ReturnType<typeof setTimeout> | undefined;

  /** Who only watches is told so, and has no say in the size. */
  constructor(
    vm: string,
    private readonly watches: boolean,
    actions: BarActions,
  ) {
    this.vm.textContent = vm;
    this.watching.hidden = !watches;
    this.takeSize = textButton("Use my size", actions.takeSize);
    this.takeSize.hidden = true;
    this.takeSize.title = "Another viewer decides the size of this terminal";
    this.viewers.append(icon(viewersIcon), this.viewerCount);
    this.first = iconButton(searchIcon, "Search (Ctrl+Shift+F)", actions.search);
    this.reader = iconButton(readerIcon, "Screen reader mode", actions.screenReader);
    this.element = make(
      "div",
      { class: "mct-bar", role: "group", "aria-label": `Terminal of ${vm}` },
      this.facts(),
      this.tools(actions),
    );
  }

  showState(state: State): void {
    const stopped = state.name === "ended" && state.ending.kind === "vm_stopped";
    this.word.textContent = stopped ? "Stopped" : STATE_WORDS[state.name];
  }

  showSize({ cols, rows }: Size, owner: boolean): void {
    this.size.textContent = `${cols}\u202f×\u202f${rows}`;
    this.takeSize.hidden = owner || this.watches;
  }

  /** Nothing is said while one is alone. */
  showViewers(count: number): void {
    this.viewersNow = count;
    this.companyRest.moved();
    this.viewers.hidden = count < 2;
    this.viewerCount.textContent = String(count);
    this.viewers.title = `${count} viewers see this shell`;
  }

  /** Said while the keyboard is in the terminal, where Tab goes to the shell. */
  showWayOut(on: boolean): void {
    this.wayOut.hidden = !on;
  }

  showScreenReader(on: boolean): void {
    this.reader.setAttribute("aria-pressed", String(on));
  }

  /** A few words on what was just done; they go away by themselves. */
  say(words: string): void {
    clearTimeout(this.noticeTimer);
    this.notice.textContent = words;
    this.noticeTimer = setTimeout(() => (this.notice.textContent = ""), NOTICE_MS);
  }

  focus(): void {
    this.first.focus();
  }

  stop(): void {
    clearTimeout(this.noticeTimer);
    this.companyRest.stop();
  }

  private tellCompany(): void {
    const count = this.viewersNow;
    const before = this.company.textContent;
    const words = count > 1 ? `${count} viewers see this shell` : before && "Nobody else sees this shell";
    if (words !== before) this.company.textContent = words;
  }

  private facts(): HTMLElement {
    const state = make("span", { class: "mct-state" }, make("span", { class: "mct-dot" }));
    state.append(this.word);
    return make(
      "div",
      { class: "mct-facts" },
      this.vm,
      state,
      this.watching,
      this.size,
      this.viewers,
      this.company,
      this.takeSize,
      this.notice,
      this.wayOut,
    );
  }

  private tools(actions: BarActions): HTMLElement {
    const full = iconButton(fullIcon, "Full screen", actions.fullScreen);
    full.classList.add("mct-full");
    full.hidden = !document.fullscreenEnabled;
    return make(
      "div",
      { class: "mct-tools" },
      this.first,
      iconButton(smallerIcon, "Smaller text", () => actions.fontSize(-1)),
      iconButton(largerIcon, "Larger text", () => actions.fontSize(1)),
      iconButton(copyIcon, "Copy selection (Ctrl+Shift+C)", actions.copy),
      this.reader,
      full,
    );
  }
}
