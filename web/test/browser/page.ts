/** A browser, a page with a terminal, and what it must not do: complain on the console. */

import assert from "node:assert/strict";

import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

import { launchOptions } from "../../../script/lib/chromium.mjs";
import type { McTerminal } from "../../src/element.ts";

const WAIT_MS = 15_000;

export async function launch(): Promise<Browser> {
  return chromium.launch(launchOptions);
}

/** One page with a shell on it. */
export class ShellPage {
  /** Console messages and violations of the policy that no test has asked for. */
  readonly complaints: string[] = [];
  /** Complaints that match are expected: a cut connection is told on the console. */
  readonly allowed: RegExp[] = [];

  private constructor(readonly page: Page) {
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complain(message.text());
    });
    page.on("pageerror", (error) => this.complain(String(error)));
  }

  static async open(browser: Browser, url: string, options?: BrowserContextOptions): Promise<ShellPage> {
    const context = await browser.newContext(options);
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const shell = new ShellPage(await context.newPage());
    await shell.page.goto(url);
    await shell.state("connected");
    return shell;
  }

  async state(name: string): Promise<void> {
    const selector = `mc-terminal[data-state="${name}"]`;
    await this.page.locator(selector).waitFor({ timeout: WAIT_MS });
  }

  async text(): Promise<string> {
    return this.page.evaluate(() => document.querySelector<McTerminal>("mc-terminal")!.terminalText());
  }

  async size(): Promise<string> {
    return this.page.evaluate(() => document.querySelector<McTerminal>("mc-terminal")!.sizeText());
  }

  /** Waits until the screen shows `wanted`. */
  async sees(wanted: RegExp): Promise<string> {
    const end = Date.now() + WAIT_MS;
    for (;;) {
      const text = await this.text();
      if (wanted.test(text)) return text;
      if (Date.now() > end) assert.fail(`no ${wanted} on the screen:\n${text}`);
      await this.page.waitForTimeout(20);
    }
  }

  /** Waits until the clipboard holds `wanted`. (Playwright's own wait takes any promise for a yes.) */
  async copied(wanted: string): Promise<void> {
    const end = Date.now() + WAIT_MS;
    const held = (): Promise<string> => this.page.evaluate(() => navigator.clipboard.readText());
    while ((await held()) !== wanted) {
      if (Date.now() > end) assert.fail(`the clipboard holds ${await held()}, not ${wanted}`);
      await this.page.waitForTimeout(20);
    }
  }

  async run(line: string): Promise<void> {
    await this.page.keyboard.type(`${line}\n`);
  }

  /** Pastes as the browser does on Ctrl+Shift+V. */
  async paste(text: string): Promise<void> {
    await this.page.evaluate((data) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", data);
      const event = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
      document.querySelector(".xterm-helper-textarea")?.dispatchEvent(event);
    }, text);
  }

  /** A finger that comes down at the first of these points, moves along the others, rests, and is lifted. */
  async finger(path: { x: number; y: number }[], rest = 0): Promise<void> {
    const cdp = await this.page.context().newCDPSession(this.page);
    for (const [at, point] of path.entries()) {
      const type = at === 0 ? "touchStart" : "touchMove";
      await cdp.send("Input.dispatchTouchEvent", { type, touchPoints: [point] });
      await this.page.waitForTimeout(16);
    }
    await this.page.waitForTimeout(rest);
    await cdp.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    await cdp.detach();
  }

  async close(): Promise<void> {
    await this.page.context().close();
    assert.deepEqual(this.complaints, []);
  }

  private complain(text: string): void {
    if (!this.allowed.some((pattern) => pattern.test(text))) this.complaints.push(text);
  }
}
