/** A shell page, used as a person would: typing, and reading the screen. */

import { expect, type Page } from "@playwright/test";

/** Promised are 5 s from what puts somebody out of a shell; the value is printed. */
const OUT_MS = 15_000;

interface Terminal extends HTMLElement {
  terminalText(): string;
  sizeText(): string;
}

export class ShellView {
  constructor(readonly page: Page) {}

  get element() {
    return this.page.locator("mc-terminal");
  }

  async connected(): Promise<void> {
    await expect(this.element).toHaveAttribute("data-state", "connected");
  }

  /** The characters on the screen. */
  async text(): Promise<string> {
    return this.element.evaluate((element) => (element as Terminal).terminalText());
  }

  /** Columns and rows, as `80x24`. */
  async size(): Promise<string> {
    return this.element.evaluate((element) => (element as Terminal).sizeText());
  }

  /** Where the cursor is drawn, rows and columns from 0, and on which character; `null` while it is drawn nowhere. */
  async cursor(): Promise<{ row: number; column: number; character: string } | null> {
    // In one look: a row that is drawn anew has other elements.
    return this.element.evaluate((element) => {
      const cursor = (element.shadowRoot ?? element).querySelector(".xterm-cursor");
      const row = cursor?.parentElement;
      const rows = row?.parentElement;
      if (!cursor || !row || !rows) return null;
      const cells = [...row.children];
      const before = cells.slice(0, cells.indexOf(cursor)).map((cell) => cell.textContent);
      return { row: [...rows.children].indexOf(row), column: before.join("").length, character: cursor.textContent ?? "" };
    });
  }

  /** Waits until the screen shows `wanted`, and returns what it shows. */
  async sees(wanted: RegExp, timeout = 15_000): Promise<string> {
    await expect.poll(() => this.text(), { message: `the terminal shows ${wanted}`, timeout }).toMatch(wanted);
    return this.text();
  }

  /** Waits for a prompt with nothing typed after it. */
  async prompt(): Promise<void> {
    await this.sees(/[#$] ?$/);
  }

  /** Does what puts who looks on out of the shell, and waits until they are. */
  async isOutAfter(what: string, act: () => Promise<void>): Promise<void> {
    const began = Date.now();
    await act();
    await expect(this.element).toHaveAttribute("data-state", "ended", { timeout: OUT_MS });
    const out = Date.now() - began;
    console.log(`out of the shell ${out} ms after ${what}`);
    expect(out).toBeLessThan(OUT_MS);
  }

  async type(keys: string): Promise<void> {
    await this.page.keyboard.type(keys);
  }

  async press(key: string): Promise<void> {
    await this.page.keyboard.press(key);
  }

  async run(line: string): Promise<void> {
    await this.type(line);
    await this.press("Enter");
  }

  /** Runs `line` on an empty screen and returns what it printed, once it is done. */
  async output(line: string): Promise<string> {
    const mark = Math.random().toString(36).slice(2, 8);
    // The mark is taken apart in what is typed, so that only what is printed holds it whole.
    await this.run(`clear; ${line}; echo "${mark.slice(0, 3)}""${mark.slice(3)}"`);
    const text = await this.sees(new RegExp(`^${mark}$`, "m"));
    const printed = text.slice(0, text.search(new RegExp(`^${mark}$`, "m")));
    return printed.trim();
  }

  /** The process id of the shell itself. */
  async pid(): Promise<string> {
    return this.output("echo $$");
  }
}
