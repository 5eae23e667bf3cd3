/** A row of the keys that touch keyboards lack. Shown by the style sheet on touch screens alone. */

import { make } from "./dom.ts";

export interface TouchKeyActions {
  /** Types a key's characters. */
  type(keys: string): void;
  /** Whether programs asked for arrow keys as "application" sequences. */
  applicationCursor(): boolean;
}

const REPEAT_FIRST_MS = 400;
const REPEAT_MS = 60;

interface Key {
  face: string;
  label: string;
  /** What it types; arrows depend on the terminal's mode. */
  keys?: string;
  arrow?: "A" | "B" | "C" | "D";
  repeats?: boolean;
}

const KEYS: readonly Key[] = [
  { face: "Esc", label: "Escape", keys: "\u001b" },
  { face: "Tab", label: "Tab", keys: "\t" },
  { face: "Ctrl", label: "Control, for the next key" },
  { face: "←", label: "Left", arrow: "D", repeats: true },
  { face: "↓", label: "Down", arrow: "B", repeats: true },
  { face: "↑", label: "Up", arrow: "A", repeats: true },
  { face: "→", label: "Right", arrow: "C", repeats: true },
  { face: "|", label: "Pipe", keys: "|" },
  { face: "/", label: "Slash", keys: "/" },
  { face: "-", label: "Minus", keys: "-" },
  { face: "~", label: "Tilde", keys: "~" },
];

export class TouchKeys {
  readonly element = make("div", { class: "mct-keys", role: "group", "aria-label": "Keys" });
  private readonly ctrl: HTMLButtonElement;
  /** Keys with a finger on them that have typed nothing yet; two thumbs may overlap. */
  private readonly held = new Set<Key>();
  private stopRepeat: () => void = () => {};

  constructor(private readonly actions: TouchKeyActions) {
    const buttons = KEYS.map((key) => this.button(key));
    this.ctrl = buttons[2] as HTMLButtonElement;
    this.ctrl.setAttribute("aria-pressed", "false");
    this.element.append(...buttons);
  }

  /** Applies an armed Ctrl to what was typed, and lets go of it. */
  withCtrl(bytes: Uint8Array): Uint8Array {
    if (!this.armed || bytes.length !== 1) return bytes;
    this.arm(false);
    return Uint8Array.of(controlByte(bytes[0] as number));
  }

  stop(): void {
    this.stopRepeat();
  }

  private get armed(): boolean {
    return this.ctrl.getAttribute("aria-pressed") === "true";
  }

  private arm(on: boolean): void {
    this.ctrl.setAttribute("aria-pressed", String(on));
  }

  private button(key: Key): HTMLButtonElement {
    const button = make("button", { type: "button", "aria-label": key.label }, key.face);
    button.addEventListener("pointerdown", (event) => {
      // The keyboard stays up: the focus must not leave the terminal.
      event.preventDefault();
      // A finger would keep the key it came down on, wherever it goes.
      if (button.hasPointerCapture(event.pointerId)) button.releasePointerCapture(event.pointerId);
      this.hold(key);
    });
    button.addEventListener("pointerup", () => this.release(key));
    for (const end of ["pointercancel", "pointerleave"]) {
      button.addEventListener(end, () => this.letGo(key));
    }
    // A click without a pointer comes from a keyboard or a screen reader.
    button.addEventListener("click", (event) => event.detail === 0 && this.press(key));
    return button;
  }

  /** Types nothing yet: the finger may be about to move the row. */
  private hold(key: Key): void {
    this.held.add(key);
    if (key.repeats === true) this.repeat(key);
  }

  private release(key: Key): void {
    const typesNow = this.held.has(key);
    this.letGo(key);
    if (typesNow) this.press(key);
  }

  private letGo(key: Key): void {
    this.held.delete(key);
    this.stopRepeat();
  }

  private press(key: Key): void {
    if (key.arrow !== undefined) return this.actions.type(this.arrow(key.arrow));
    if (key.keys !== undefined) return this.actions.type(key.keys);
    this.arm(!this.armed);
  }

  private arrow(final: string): string {
    if (this.armed) {
      this.arm(false);
      return `\u001b[1;5${final}`;
    }
    return this.actions.applicationCursor() ? `\u001bO${final}` : `\u001b[${final}`;
  }

  private repeat(key: Key): void {
    this.stopRepeat();
    let timer = setTimeout(() => {
      this.held.delete(key);
      this.press(key);
      timer = setInterval(() => this.press(key), REPEAT_MS);
    }, REPEAT_FIRST_MS);
    this.stopRepeat = () => {
      clearTimeout(timer);
      clearInterval(timer);
    };
  }
}

/** What Ctrl makes of a key: `c` → 0x03, `[` → 0x1b, space → 0x00, `?` → 0x7f. */
export function controlByte(byte: number): number {
  if (byte === 0x3f) return 0x7f;
  const isLetterOrSign = (byte >= 0x40 && byte <= 0x5f) || (byte >= 0x61 && byte <= 0x7a);
  return isLetterOrSign || byte === 0x20 ? byte & 0x1f : byte;
}
