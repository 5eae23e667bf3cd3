/** A shell on the page: brings terminal, connection, bar, banner, search and keys together. */

import { Banner } from "./banner.ts";
import { Bar } from "./bar.ts";
import { leaveClientId, takeClientId } from "./client-id.ts";
import { Connection, type Listener, type State } from "./connection.ts";
import { CopyPaste } from "./copy-paste.ts";
import { nonceFor } from "./csp-document.ts";
import { make } from "./dom.ts";
import { type Viewer, after, browserEnvironment, signInHref } from "./environment.ts";
import { makeRoomForKeyboard } from "./keyboard-room.ts";
import { bindKeys } from "./keys.ts";
import { askForStart, tellState } from "./page-events.ts";
import type { Size } from "./protocol.ts";
import { Rest } from "./rest.ts";
import { SearchPanel } from "./search-panel.ts";
import * as settings from "./settings.ts";
import { TerminalView } from "./terminal.ts";
import { watchTheme } from "./theme.ts";
import { TouchKeys } from "./touch-keys.ts";
import { watchWayOut } from "./way-out.ts";

/** How long a change of size must rest before it is passed on. */
const RESIZE_REST_MS = 60;

/** All that lives between the element's entering the page and its leaving. */
export class ShellView {
  readonly terminal: TerminalView;
  private readonly root = make("div", { class: "mct" });
  private readonly stage = make("div", { class: "mct-stage" });
  private readonly screen = make("div", { class: "mct-screen" });
  private readonly link = make("div", { class: "mct-link", hidden: "" });
  private readonly bar: Bar;
  private readonly banner: Banner;
  private readonly search: SearchPanel;
  private readonly keys: TouchKeys;
  private readonly copyPaste: CopyPaste;
  private readonly connection: Connection;
  private readonly viewer: Viewer;
  private readonly gone = new AbortController();
  private fontSize = settings.loadFontSize();
  private screenReader = settings.loadScreenReader();
  private readonly resizing = new Rest(after, RESIZE_REST_MS, () => this.resized());
  private readonly vm: string;
  private readonly shell: string;
  /** What is typed goes nowhere; the node sees to it, this only says so. */
  private readonly watches: boolean;

  constructor(private readonly element: HTMLElement) {
    this.vm = element.getAttribute("vm") ?? "this VM";
    this.shell = element.getAttribute("shell") ?? "";
    this.watches = element.hasAttribute("watch");
    this.viewer = { client: takeClientId(this.shell) };
    this.bar = this.makeBar();
    this.banner = this.makeBanner();
    this.keys = this.makeTouchKeys();
    this.assemble();
    this.terminal = this.makeView();
    this.copyPaste = this.makeCopyPaste();
    this.search = new SearchPanel(this.terminal.xterm);
    this.stage.append(this.search.element);
    const attach = element.getAttribute("attach") ?? `/shells/${this.shell}/attach`;
    const environment = browserEnvironment(attach, this.viewer);
    this.connection = new Connection(environment, this.listener(), this.terminal.size);
    this.bindAll();
    this.begin();
  }

  dispose(): void {
    this.gone.abort();
    this.resizing.stop();
    this.connection.close();
    leaveClientId(this.shell, this.viewer.client);
    this.bar.stop();
    this.banner.stop();
    this.keys.stop();
    this.terminal.dispose();
    this.root.remove();
    delete this.element.dataset.state;
  }

  /** The VM could not be started, for a reason told as a sentence. */
  startFailed(words: string): void {
    const { state } = this.connection;
    const stopped = state.name === "ended" && state.ending.kind === "vm_stopped";
    if (stopped) this.banner.startFailed(words);
  }

  private get ended(): boolean {
    return this.connection.state.name === "ended";
  }

  private begin(): void {
    this.showState(this.connection.state);
    this.showSize(this.terminal.size, true);
    this.bar.showScreenReader(this.screenReader);
    this.connection.connect();
    this.terminal.xterm.focus();
  }

  private assemble(): void {
    const help = make("span", { id: "mct-help", class: "mct-offscreen" });
    help.textContent = "Tab goes to the shell. Press Control F6 to leave the terminal.";
    // The banner comes after the screen, so that Tab leads to it when the shell has ended.
    this.stage.append(this.screen, this.link, this.banner.element);
    this.root.append(this.bar.element, this.stage, help);
    if (!this.watches) this.stage.after(this.keys.element);
    this.element.append(this.root);
  }

  private makeBar(): Bar {
    return new Bar(this.vm, this.watches, {
      search: () => this.search.toggle(),
      fontSize: (step) => this.changeFontSize(step),
      copy: () => void this.copyPaste.copy("keep"),
      screenReader: () => this.toggleScreenReader(),
      fullScreen: () => void this.toggleFullScreen(),
      takeSize: () => {
        this.connection.takeSize();
        this.terminal.xterm.focus();
      },
    });
  }

  private makeBanner(): Banner {
    const actions = {
      retry: () => this.connection.tryNow(),
      again: () => this.again(),
      startVm: () => askForStart(this.element, this.vm),
      returned: () => this.bar.say("Connected again"),
      // A shell page opens a new shell under its own path, an admin's page too.
      newShellHref: this.element.getAttribute("new-shell") ?? `${location.pathname}?new=1`,
      signInHref: signInHref(),
    };
    const owner = this.element.getAttribute("guest-of");
    return new Banner(this.vm, owner, actions, () => this.clearOfBanner());
  }

  private makeTouchKeys(): TouchKeys {
    return new TouchKeys({
      type: (keys) => this.terminal.xterm.input(keys, true),
      applicationCursor: () => this.terminal.xterm.modes.applicationCursorKeysMode,
    });
  }

  private makeView(): TerminalView {
    const view = new TerminalView(this.screen, {
      nonce: nonceFor(this.element),
      fontSize: this.fontSize,
      screenReader: this.screenReader,
      typed: (bytes) => this.typed(bytes),
      linkHovered: (uri) => this.showLink(uri),
    });
    view.xterm.textarea?.setAttribute("aria-describedby", "mct-help");
    bindKeys(view.xterm, {
      copy: () => void this.copyPaste.copy("clear"),
      search: () => this.search.open(),
      leave: () => this.bar.focus(),
      ended: () => this.ended,
    });
    view.xterm.onCursorMove(() => this.clearOfBanner());
    return view;
  }

  private makeCopyPaste(): CopyPaste {
    return new CopyPaste(this.terminal.xterm, {
      root: this.root,
      vm: this.vm,
      watches: this.watches,
      ended: () => this.ended,
      say: (words) => this.bar.say(words),
    });
  }

  private listener(): Listener {
    return {
      state: (state) => this.showState(state),
      output: (bytes, end) => this.terminal.write(bytes, end, () => this.connection.parsed(end)),
      snapshot: (bytes, size, end) =>
        this.terminal.replace(bytes, size, end, () => this.connection.parsed(end)),
      repliesFrom: (offset) => this.terminal.answerFrom(offset),
      size: (size, owner) => this.sized(size, owner),
      viewers: (count) => this.bar.showViewers(count),
    };
  }

  private bindAll(): void {
    const { signal } = this.gone;
    addEventListener("pagehide", () => this.leavePage(), { signal });
    addEventListener("pageshow", (event) => event.persisted && this.returnToPage(), { signal });
    addEventListener("online", () => this.connection.wake(), { signal });
    document.addEventListener(
      "visibilitychange",
      () => document.visibilityState === "visible" && this.connection.wake(),
      { signal },
    );
    this.copyPaste.bind(this.stage, this.screen, signal);
    const wayOut = { show: (on: boolean) => this.bar.showWayOut(on), ended: () => this.ended };
    watchWayOut(this.screen, wayOut, signal);
    this.watchSize();
    makeRoomForKeyboard(this.root, signal);
    const stopTheme = watchTheme(() => this.terminal.setTheme());
    signal.addEventListener("abort", stopTheme);
  }

  private watchSize(): void {
    const observer = new ResizeObserver(() => this.resizing.moved());
    observer.observe(this.screen);
    const bannerObserver = new ResizeObserver(() => this.clearOfBanner());
    bannerObserver.observe(this.banner.element);
    this.gone.signal.addEventListener("abort", () => {
      observer.disconnect();
      bannerObserver.disconnect();
    });
  }

  private leavePage(): void {
    this.connection.close();
    leaveClientId(this.shell, this.viewer.client);
  }

  /** Back from the browser's cache of whole pages: the same viewer goes on. */
  private returnToPage(): void {
    takeClientId(this.shell);
    this.connection.connect();
  }

  private showState(state: State): void {
    this.element.dataset.state = state.name;
    this.terminal.xterm.options.disableStdin = this.watches || state.name === "ended";
    this.bar.showState(state);
    if (state.name === "ended") this.bar.showWayOut(false);
    this.banner.show(state);
    tellState(this.element, state);
  }

  private sized(size: Size, owner: boolean): void {
    this.terminal.answers = owner;
    if (owner) this.terminal.fit();
    else this.terminal.showAt(size);
    this.laidOut();
  }

  private resized(): void {
    this.terminal.layout();
    this.laidOut();
  }

  private laidOut(): void {
    this.connection.resize(this.terminal.fitting);
    this.showSize(this.terminal.shown, this.terminal.answers);
  }

  private showSize(size: Size, owner: boolean): void {
    this.bar.showSize(size, owner);
    this.clearOfBanner();
  }

  private typed(bytes: Uint8Array): void {
    if (this.connection.type(this.keys.withCtrl(bytes))) return;
    this.bar.say("Too much to send at once: at most 16 MiB can wait");
  }

  private changeFontSize(step: 1 | -1): void {
    this.fontSize = settings.clampFontSize(this.fontSize + step);
    settings.saveFontSize(this.fontSize);
    this.terminal.setFontSize(this.fontSize);
    this.resized();
    this.bar.say(`${this.fontSize} px`);
  }

  private toggleScreenReader(): void {
    const on = !this.screenReader;
    this.screenReader = on;
    settings.saveScreenReader(on);
    this.terminal.xterm.options.screenReaderMode = on;
    this.bar.showScreenReader(on);
    this.bar.say(on ? "Screen reader mode on" : "Screen reader mode off");
  }

  private async toggleFullScreen(): Promise<void> {
    try {
      if (document.fullscreenElement === null) await this.element.requestFullscreen();
      else await document.exitFullscreen();
    } catch {
      this.bar.say("The browser did not allow full screen");
    }
    this.terminal.xterm.focus();
  }

  /** The button that was pressed goes away: the focus goes where the keys are. */
  private again(): void {
    this.connection.again();
    this.terminal.xterm.focus();
  }

  private showLink(uri: string | null): void {
    this.link.hidden = uri === null;
    this.link.textContent = uri;
  }

  /** A banner lies over the top lines; when the cursor is there, the screen moves out of its way. */
  private clearOfBanner(): void {
    if (this.terminal === undefined) return;
    const height = this.banner.visible ? this.banner.element.offsetHeight : 0;
    const covered = height > 0 && this.terminal.cursorTop() < height;
    this.stage.style.setProperty("--mct-shift", covered ? `${height}px` : "0px");
  }
}
