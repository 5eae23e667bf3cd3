/** What a terminal owes to people's habits: keys, links, lines above, looks, and a network that comes back. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type { Terminal } from "@xterm/xterm";
import type { Browser } from "playwright-core";

import * as frames from "../frames.ts";
import { StandIn } from "../stand-in.ts";
import { launch, ShellPage } from "./page.ts";

/** A page that is told to look waits for no back-off, which is 2.5 s at least by then; the slack is for a busy machine. */
const WOKEN_MS = 2_000;
const SCROLLBACK_LINES = 10_000;

let browser: Browser;
let standIn: StandIn;
let origin: string;
let count = 0;

before(async () => {
  browser = await launch();
  standIn = new StandIn();
  origin = await standIn.listen();
});

after(async () => {
  await browser.close();
  standIn.close();
});

/** A shell without a program, and its page. */
async function open(text = "") {
  const id = `m${++count}`;
  const shell = standIn.shell(id, "none");
  const view = await ShellPage.open(browser, `${origin}/shell/${id}`);
  if (text !== "") shell.feed(Buffer.from(text));
  const clipboard = {
    read: (): Promise<string> => view.page.evaluate(() => navigator.clipboard.readText()),
    write: (words: string): Promise<void> => view.page.evaluate((held) => navigator.clipboard.writeText(held), words),
  };
  return { shell, view, clipboard };
}

/** The middle of the first cells of the screen. */
async function firstCells(view: ShellPage): Promise<{ x: number; y: number }> {
  const box = await view.page.locator(".xterm-screen").boundingBox();
  assert.ok(box !== null);
  return { x: box.x + 20, y: box.y + 8 };
}

test("Ctrl+Shift+C copies and Ctrl+Shift+V pastes, by their keys", async () => {
  const { shell, view, clipboard } = await open("copy-this and not this");
  await view.sees(/copy-this/);
  const { x, y } = await firstCells(view);
  await view.page.mouse.dblclick(x, y);
  await clipboard.write("other");
  await view.page.keyboard.press("Control+Shift+C");
  await view.copied("copy-this");
  assert.equal(shell.received.length, 0, "nothing is typed by it");
  await view.page.keyboard.press("Control+Shift+V");
  while (shell.received.length < "copy-this".length) await view.page.waitForTimeout(10);
  assert.equal(shell.received.toString(), "copy-this");
  await view.close();
});

test("a click that selects nothing new copies nothing, the same words selected again are copied again", async () => {
  const { view, clipboard } = await open("copy-this and not this");
  await view.sees(/copy-this/);
  const { x, y } = await firstCells(view);
  const { mouse } = view.page;
  const select = async (): Promise<void> => {
    await mouse.move(x + 60, y);
    await mouse.down();
    await mouse.move(x, y);
    // Above the screen, over the bar.
    await mouse.move(x, 10);
    await mouse.up();
  };
  await clipboard.write("other");
  await select();
  await view.copied("copy-this");
  await clipboard.write("other");
  await mouse.click(x, y, { button: "right" });
  await view.page.waitForTimeout(200);
  assert.equal(await clipboard.read(), "other");
  await select();
  await view.copied("copy-this");
  await view.close();
});

test("a link opens in a tab of its own, that knows nothing of this one", async () => {
  const { view } = await open(`${origin}/shell/other and more`);
  view.allowed.push(/Failed to load resource/);
  await view.sees(/and more/);
  const { x, y } = await firstCells(view);
  await view.page.mouse.move(x + 40, y);
  await view.page.locator(".xterm-cursor-pointer").waitFor();
  const opened = view.page.context().waitForEvent("page");
  await view.page.mouse.click(x + 40, y);
  const tab = await opened;
  assert.equal(await tab.evaluate(() => window.opener), null);
  await view.close();
});

test("ten thousand lines above the screen are kept", async () => {
  const lines = 12_000;
  const { view } = await open(Array.from({ length: lines }, (_, at) => `line ${at}\r\n`).join(""));
  await view.sees(new RegExp(`line ${lines - 1}\\n?$`));
  const rows = Number((await view.size()).split("x")[1]);
  for (let page = 0; page < SCROLLBACK_LINES / (rows - 1) + 2; page++) await view.page.keyboard.press("Shift+PageUp");
  // The cursor's own line is empty.
  await view.sees(new RegExp(`^line ${lines + 1 - rows - SCROLLBACK_LINES}\\n`));
  await view.close();
});

test("a program gets neither the clipboard nor the page's title", async () => {
  const { shell, view, clipboard } = await open();
  await clipboard.write("mine");
  const title = await view.page.title();
  shell.feed(Buffer.from(`\x1b]52;c;${Buffer.from("stolen").toString("base64")}\x07\x1b]52;c;?\x07\x1b]0;evil\x07done`));
  await view.sees(/done/);
  await view.page.waitForTimeout(100);
  assert.equal(await clipboard.read(), "mine");
  assert.equal(await view.page.title(), title);
  assert.equal(shell.received.length, 0, "nothing of the clipboard is told");
  await view.close();
});

test("the terminal's colours go with the page's theme", async () => {
  const { view } = await open("text");
  await view.sees(/text/);
  const colour = (): Promise<string> =>
    view.page.evaluate(() => getComputedStyle(document.querySelector(".xterm-rows")!).color);
  await view.page.emulateMedia({ colorScheme: "light" });
  const light = await colour();
  await view.page.emulateMedia({ colorScheme: "dark" });
  await view.page.waitForFunction(
    (was) => getComputedStyle(document.querySelector(".xterm-rows")!).color !== was,
    light,
  );
  await view.close();
});

for (const [what, wake] of [
  ["the network is back", () => void window.dispatchEvent(new Event("online"))],
  ["it is looked at again", () => void document.dispatchEvent(new Event("visibilitychange"))],
] as const) {
  test(`a page that waits to try again tries at once when ${what}`, async () => {
    const { shell, view } = await open();
    view.allowed.push(/WebSocket connection to/, /Failed to load resource/);
    standIn.up = false;
    shell.cut();
    await view.state("reconnecting");
    // By then it waits for seconds between two tries.
    const { attempts } = standIn;
    while (standIn.attempts < attempts + 5) await view.page.waitForTimeout(10);
    standIn.up = true;
    const began = Date.now();
    const waking = view.page.evaluate(wake);
    while (standIn.attempts < attempts + 6) await view.page.waitForTimeout(10);
    const tried = Date.now() - began;
    console.log(`tried ${tried} ms after ${what}`);
    assert.ok(tried < WOKEN_MS);
    await waking;
    await view.state("connected");
    await view.close();
  });
}

test("a restart is told as one for as long as nobody answers", async () => {
  const { shell, view } = await open();
  view.allowed.push(/WebSocket connection to/, /Failed to load resource/);
  standIn.up = false;
  shell.closeAll(1012, "the server restarts");
  const words = view.page.getByText("MiniCloud restarts.");
  await words.waitFor();
  const { attempts } = standIn;
  while (standIn.attempts < attempts + 2) await view.page.waitForTimeout(10);
  assert.ok(await words.isVisible());
  standIn.up = true;
  await view.state("connected");
  await words.waitFor({ state: "hidden" });
  await view.close();
});

/** A sequence that takes its time: xterm draws nothing of what comes behind it until it is told to go on. */
async function pausable(view: ShellPage): Promise<() => Promise<void>> {
  await view.page.evaluate(() => {
    type Parts = { view: { terminal: { xterm: Terminal } } };
    const element = document.querySelector("mc-terminal") as unknown as Parts;
    element.view.terminal.xterm.parser.registerOscHandler(7777, () => {
      return new Promise((draw) => Object.assign(window, { draw: () => draw(true) }));
    });
  });
  return () => view.page.evaluate(() => (window as unknown as { draw(): void }).draw());
}

test("a snapshot is drawn at the size it tells, though the window changes meanwhile", async () => {
  const { shell, view } = await open();
  const { cols, rows } = shell;
  const draw = await pausable(view);
  const right = cols - 5;
  const bytes = `\x1b]7777;\x07\x1b[1;${right}Hright\r\n`;
  shell.viewers[0]?.socket.send(frames.snapshot(0, cols, rows, bytes));
  await view.page.waitForFunction(() => "draw" in window);
  await view.page.setViewportSize({ width: 500, height: 600 });
  while (shell.cols === cols) await view.page.waitForTimeout(10);
  await draw();
  await view.sees(/right/);
  assert.equal(await view.size(), `${shell.cols}x${shell.rows}`);
  // The line goes on in as many rows as its words need now.
  const blank = (right - 1) % shell.cols;
  assert.match(await view.text(), new RegExp(`(^|\n) {${blank}}right$`));
  await view.close();
});

test("output is acknowledged once it is drawn, and not before", async () => {
  const { shell, view } = await open("first");
  const acked = () => shell.viewers[0]?.acked;
  while (acked() !== 5) await view.page.waitForTimeout(10);
  const draw = await pausable(view);
  const output = Buffer.from(`\x1b]7777;\x07${"x".repeat(100_000)}`);
  shell.feed(output);
  await view.page.waitForFunction(() => "draw" in window);
  await view.page.waitForTimeout(300);
  assert.equal(acked(), 5);
  await draw();
  while (acked() !== 5 + output.length) await view.page.waitForTimeout(10);
  await view.close();
});

test("who is signed out is offered to sign in, and to come back here", async () => {
  const { shell, view } = await open();
  standIn.signedIn = false;
  shell.closeAll(4003, "access was taken back");
  const link = view.page.getByRole("link", { name: "Sign in" });
  await link.waitFor();
  standIn.signedIn = true;
  const here = encodeURIComponent(new URL(view.page.url()).pathname);
  assert.equal(await link.getAttribute("href"), `/login?next=${here}`);
  await view.close();
});

test("who finds no seat may try again", async () => {
  const { shell, view } = await open();
  shell.closeAll(4429);
  await view.state("ended");
  await view.page.getByRole("button", { name: "Try again" }).click();
  await view.state("connected");
  await view.close();
});

test("a shell that takes no input is told to be busy for as long as it is", async () => {
  const { shell, view } = await open();
  const busy = view.page.getByText("The shell is busy");
  shell.closeAll(1013, "the shell's input is full");
  await busy.waitFor();
  await view.state("connected");
  shell.closeAll(1013, "the shell's input is full");
  await view.state("reconnecting");
  await busy.waitFor();
  await view.state("connected");
  await busy.waitFor({ state: "hidden" });
  await view.close();
});

/** A shell without a program, its page on a phone, and the middle of a key of the row there. */
async function openOnPhone() {
  const id = `m${++count}`;
  const shell = standIn.shell(id, "none");
  const options = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
  const view = await ShellPage.open(browser, `${origin}/shell/${id}`, options);
  const keys = view.page.getByRole("group", { name: "Keys" });
  const middle = async (name: string): Promise<{ x: number; y: number }> => {
    const box = await keys.getByRole("button", { name }).boundingBox();
    assert.ok(box !== null);
    return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  };
  return { shell, view, keys, middle };
}

test("the key row has Tab and all arrows", async () => {
  const { shell, view, keys } = await openOnPhone();
  for (const key of ["Tab", "Left", "Right", "Down", "Up"]) await keys.getByRole("button", { name: key }).tap();
  while (shell.received.length < 13) await view.page.waitForTimeout(10);
  assert.equal(shell.received.toString(), "\t\x1b[D\x1b[C\x1b[B\x1b[A");
  await view.close();
});

test("a finger that moves the key row, or slides off a key, types nothing", async () => {
  const { shell, view, keys, middle } = await openOnPhone();
  const { x, y } = await middle("Up");
  await view.finger(Array.from({ length: 16 }, (_, step) => ({ x: x - 10 * step, y })));
  const moved = await keys.evaluate((row) => row.scrollLeft);
  assert.ok(moved > 50, `the row has moved by ${moved}`);
  const tilde = await middle("Tilde");
  assert.ok(tilde.x < 390, "the last key is in sight");
  await view.finger([0, 40, 80].map((up) => ({ x: tilde.x, y: tilde.y - up })));
  await keys.getByRole("button", { name: "Minus" }).tap();
  while (shell.received.length < 1) await view.page.waitForTimeout(10);
  assert.equal(shell.received.toString(), "-");
  await view.close();
});

test("a key that is held long types once, an arrow repeats until it is let go", async () => {
  const { shell, view, middle } = await openOnPhone();
  await view.finger([await middle("Escape")], 700);
  while (shell.received.length < 1) await view.page.waitForTimeout(10);
  await view.finger([await middle("Left")], 700);
  await view.page.waitForTimeout(200);
  const typed = shell.received.toString();
  assert.match(typed, /^\x1b(\x1b\[D){2,}$/);
  await view.page.waitForTimeout(200);
  assert.equal(shell.received.toString(), typed);
  await view.close();
});
