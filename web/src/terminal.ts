/** xterm.js with its addons, as the element needs it: bytes in, bytes out, sizes, looks. */

import { FitAddon } from "@xterm/addon-fit";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { WebglAddon } from "@xterm/addon-webgl";
import { type IBufferLine, Terminal } from "@xterm/xterm";

import { cspDocument, withNonce } from "./csp-document.ts";
import { mendErase } from "./erase.ts";
import { joinedEmoji } from "./joined-emoji.ts";
import { muteReplies } from "./replies.ts";
import { clampSize, type Size } from "./protocol.ts";
import { readTheme } from "./theme.ts";
import { hasFastWebgl } from "./webgl.ts";
import { WholeCharacters } from "./whole-characters.ts";
import { NodeWidths } from "./widths.ts";

/** Lines kept above the screen. */
const SCROLLBACK_LINES = 10_000;
/** Wide enough to grab; search marks are shown in it too. */
const SCROLLBAR_PX = 12;
/** The smallest a terminal of another viewer's size is drawn, in CSS pixels. */
const LETTERBOX_FONT_MIN = 6;
/** RIS: the terminal as new, scrollback gone; ends any sequence that was under way. */
const RESET = new Uint8Array([0x1b, 0x63]);

export interface TerminalOptions {
  /** The page's CSP nonce, for the styles xterm makes. */
  nonce: string;
  fontSize: number;
  screenReader: boolean;
  /** Bytes a person typed or pasted, or the terminal answers. */
  typed(bytes: Uint8Array): void;
  /** The address of the link under the pointer, or `null`. */
  linkHovered(uri: string | null): void;
}

export class TerminalView {
  readonly xterm: Terminal;
  private readonly fitAddon = new FitAddon();
  private webgl: WebglAddon | null = null;
  private fontSize: number;
  private letterbox: Size | null = null;
  /** The size that fills the host at the chosen font, whatever is drawn there. */
  private room: Size;
  /** Snapshots that are not drawn to their end. */
  private replacing = 0;
  private readonly characters = new WholeCharacters();
  private parsedTo = 0;
  private repliesFrom = 0;
  /** Whether this viewer answers what programs ask of the terminal; one of several should. */
  answers = true;

  constructor(
    private readonly host: HTMLElement,
    options: TerminalOptions,
  ) {
    this.fontSize = options.fontSize;
    this.xterm = newTerminal(host, options);
    this.room = this.size;
    this.xterm.loadAddon(this.fitAddon);
    const widths = new NodeWidths();
    this.xterm.unicode.register(widths);
    this.xterm.unicode.activeVersion = widths.version;
    this.xterm.loadAddon(
      new WebLinksAddon((_, uri) => openLink(uri), {
        hover: (_, uri) => options.linkHovered(uri),
        leave: () => options.linkHovered(null),
      }),
    );
    this.wireInput(options);
    mendErase(this.xterm);
    muteReplies(this.xterm, () => !this.answers || this.parsedTo < this.repliesFrom);
    withNonce(document, options.nonce, () => this.xterm.open(host));
    this.xterm.registerCharacterJoiner(joinedEmoji);
    this.loadWebgl();
    this.fit();
  }

  get size(): Size {
    return { cols: this.xterm.cols, rows: this.xterm.rows };
  }

  /** The size of this window, whoever's size is shown. */
  get fitting(): Size {
    return this.room;
  }

  /** The size that is shown as soon as no snapshot is under way. */
  get shown(): Size {
    return this.letterbox ?? this.room;
  }

  /** Draws output whose last byte is the stream's byte before `end`; `drawn` is called after. */
  write(bytes: Uint8Array, end: number, drawn: () => void): void {
    this.xterm.write(this.characters.next(bytes), () => {
      this.parsedTo = end;
      drawn();
    });
  }

  /** Starts over at `size` with `bytes`: whatever is still waiting to be drawn is overwritten. */
  replace(bytes: Uint8Array, size: Size, end: number, drawn: () => void): void {
    this.characters.reset();
    this.replacing += 1;
    this.xterm.write(RESET, () => this.xterm.resize(size.cols, size.rows));
    this.write(bytes, end, () => {
      this.replacing -= 1;
      this.layout();
      drawn();
    });
  }

  /** Answers nothing that output before `offset` asks. */
  answerFrom(offset: number): void {
    this.repliesFrom = offset;
  }

  /** Fills the host. */
  fit(): void {
    this.letterbox = null;
    this.layout();
  }

  /** Shows another viewer's size, smaller if need be, centred by the style sheet. */
  showAt(size: Size): void {
    this.letterbox = size;
    this.layout();
  }

  /** Takes the size that is wanted. A snapshot under way is first drawn to its end at its own. */
  layout(): void {
    this.measure();
    if (this.replacing > 0) return;
    const { letterbox } = this;
    this.host.toggleAttribute("data-letterbox", letterbox !== null);
    this.xterm.options.fontSize = letterbox === null ? this.fontSize : this.fontFor(letterbox);
    this.resizeTo(this.shown);
  }

  setFontSize(size: number): void {
    this.fontSize = size;
    this.layout();
  }

  setTheme(): void {
    this.xterm.options.theme = readTheme(this.host);
  }

  /** The characters on the screen, a line each, without the blanks at their ends. */
  text(): string {
    const buffer = this.xterm.buffer.active;
    const lines = Array.from({ length: this.xterm.rows }, (_, row) =>
      lineText(buffer.getLine(buffer.viewportY + row)),
    );
    return lines.join("\n").trimEnd();
  }

  /** Top of the cursor's row, in CSS pixels from the top of the screen. */
  cursorTop(): number {
    const screen = this.host.querySelector(".xterm-screen");
    const height = screen?.clientHeight ?? 0;
    return (this.xterm.buffer.active.cursorY * height) / this.xterm.rows;
  }

  dispose(): void {
    this.xterm.dispose();
  }

  /** The room there is does not depend on how another viewer's size is drawn. */
  private measure(): void {
    const { options } = this.xterm;
    const drawn = options.fontSize ?? this.fontSize;
    options.fontSize = this.fontSize;
    this.host.toggleAttribute("data-measuring", true);
    const proposed = this.fitAddon.proposeDimensions();
    this.host.toggleAttribute("data-measuring", false);
    options.fontSize = drawn;
    if (proposed === undefined) return;
    this.room = { cols: clampSize(proposed.cols), rows: clampSize(proposed.rows) };
  }

  private fontFor({ cols, rows }: Size): number {
    const scale = Math.min(this.room.cols / cols, this.room.rows / rows, 1);
    return Math.max(LETTERBOX_FONT_MIN, Math.floor(this.fontSize * scale));
  }

  private resizeTo({ cols, rows }: Size): void {
    if (cols !== this.xterm.cols || rows !== this.xterm.rows) this.xterm.resize(cols, rows);
  }

  private wireInput(options: TerminalOptions): void {
    const encoder = new TextEncoder();
    this.xterm.onData((data) => options.typed(encoder.encode(data)));
    // Old mouse reports: each character stands for one byte.
    this.xterm.onBinary((data) => {
      options.typed(Uint8Array.from(data, (character) => character.charCodeAt(0)));
    });
  }

  /** Draws by WebGL where that is done in hardware; a lost context falls back to the DOM. */
  private loadWebgl(): void {
    if (!hasFastWebgl()) return;
    try {
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => this.unloadWebgl());
      this.xterm.loadAddon(webgl);
      this.webgl = webgl;
    } catch {
      // The DOM renderer, which is there already, draws the same.
      this.webgl = null;
    }
  }

  private unloadWebgl(): void {
    this.webgl?.dispose();
    this.webgl = null;
    this.layout();
  }
}

function newTerminal(host: HTMLElement, options: TerminalOptions): Terminal {
  return new Terminal({
    // Binary output is no reason to fill the console with parse errors.
    logLevel: "off",
    // The cells of characters, joined emoji and the marks of the search are built on it.
    allowProposedApi: true,
    documentOverride: cspDocument(document, options.nonce),
    scrollback: SCROLLBACK_LINES,
    fontSize: options.fontSize,
    fontFamily: getComputedStyle(host).fontFamily,
    theme: readTheme(host),
    // Room for underscores and accents, which some fonts draw beyond their own height.
    lineHeight: 1.1,
    overviewRuler: { width: SCROLLBAR_PX },
    minimumContrastRatio: 4.5,
    screenReaderMode: options.screenReader,
    cursorBlink: false,
    macOptionIsMeta: true,
    linkHandler: {
      activate: (_, uri) => openLink(uri),
      hover: (_, uri) => options.linkHovered(uri),
      leave: () => options.linkHovered(null),
    },
  });
}

/** Opens a link in a tab of its own that knows nothing of this one; http and https only. */
function openLink(uri: string): void {
  if (/^https?:\/\//i.test(uri)) window.open(uri, "_blank", "noopener,noreferrer");
}


function lineText(line: IBufferLine | undefined): string {
  return line?.translateToString(true) ?? "";
}
