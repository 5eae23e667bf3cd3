import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";

import type { Browser } from "playwright-core";

import { StandIn } from "../stand-in.ts";
import { launch, ShellPage } from "./page.ts";

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

/** A shell of this test alone, and the address of its page. */
function newShell(program: "bash" | "none" = "bash") {
  const id = `s${++count}`;
  return { shell: standIn.shell(id, program), url: `${origin}/shell/${id}` };
}

const sha = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

test("a command's output is on the screen, and stty knows the element's size", async () => {
  const view = await ShellPage.open(browser, newShell().url);
  await view.run("echo $((6*7)); stty size");
  const text = await view.sees(/\n42\n\d+ \d+\n/);
  const [cols, rows] = (await view.size()).split("x");
  assert.match(text, new RegExp(`\n${rows} ${cols}\n`));
  await view.page.setViewportSize({ width: 700, height: 500 });
  await view.page.waitForFunction((was) => {
    return document.querySelector<HTMLElement & { sizeText(): string }>("mc-terminal")?.sizeText() !== was;
  }, `${cols}x${rows}`);
  // More than one step may lead to the new size: both are asked until they agree.
  for (let told = ""; told !== (await view.size()); ) {
    await view.run("clear; stty size");
    const [, low, narrow] = /^(\d+) (\d+)$/m.exec(await view.sees(/^\d+ \d+$/m)) ?? [];
    told = `${narrow}x${low}`;
  }
  await view.close();
});

test("a reload shows the same shell, the same screen", async () => {
  const view = await ShellPage.open(browser, newShell().url);
  await view.run("echo pid $$; sleep 1 && echo la''ter &");
  const pid = /pid (\d+)\n/.exec(await view.sees(/pid \d+\n/))?.[1];
  await view.page.reload();
  await view.state("connected");
  await view.sees(new RegExp(`pid ${pid}\n`));
  await view.sees(/later$/m);
  await view.run("clear; echo again $$");
  await view.sees(new RegExp(`again ${pid}\n`));
  await view.close();
});

test("colours, wide characters, search and a change of theme keep to the strict policy", async () => {
  const { shell, url } = newShell("none");
  const view = await ShellPage.open(browser, url);
  shell.feed(Buffer.from("\x1b[38;2;255;100;0mtrue\x1b[48;5;200mcolour\x1b[0m \x1b[4:3mx\x1b[0m\r\n"));
  await view.page.emulateMedia({ colorScheme: "dark" });
  await view.page.keyboard.press("Control+Shift+F");
  await view.page.getByLabel("Search in the terminal").fill("colour");
  await view.page.getByText("1 of 1").waitFor();
  await view.page.keyboard.press("Escape");
  const foreground = await view.page.evaluate(
    () => getComputedStyle(document.querySelector(".xterm-rows span")!).color,
  );
  assert.equal(foreground, "rgb(255, 100, 0)");
  await view.close();
});

test("text cut at every byte boundary is the text", async () => {
  const { shell, url } = newShell("none");
  const view = await ShellPage.open(browser, url);
  const line = Buffer.from("漢字 é e\u0301 👩‍🚀 🇨🇭 done");
  for (let cut = 1; cut < line.length; cut++) {
    shell.feed(Buffer.from("\x1b[2J\x1b[H"));
    shell.feed(line.subarray(0, cut));
    await new Promise((resolve) => setTimeout(resolve, 4));
    shell.feed(line.subarray(cut));
    const text = await view.sees(/done$/);
    assert.equal(text, line.toString(), `cut at ${cut}`);
  }
  await view.close();
});

test("a paste of 1 MB during ten disconnects arrives once and whole", async () => {
  const { shell, url } = newShell("none");
  const view = await ShellPage.open(browser, url);
  const text = randomBytes(500_000).toString("hex");
  let cuts = 0;
  const cutter = setInterval(() => {
    if (cuts++ < 10) shell.cut();
  }, 60);
  await view.paste(text);
  const deadline = Date.now() + 30_000;
  while ((shell.received.length < text.length || cuts < 10) && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  clearInterval(cutter);
  assert.equal(shell.received.length, text.length);
  assert.equal(sha(shell.received), sha(Buffer.from(text)));
  await view.close();
});

test("a flood is skipped to the final screen, and Ctrl+C still gets through", async () => {
  const { shell, url } = newShell();
  const view = await ShellPage.open(browser, url);
  await view.run("yes");
  await view.sees(/y\ny\ny/);
  await view.page.waitForTimeout(1500);
  await view.page.keyboard.press("Control+c");
  const pressed = Date.now();
  await view.run("clear; echo still he''re");
  await view.sees(/still here\n/);
  console.log(`Ctrl+C to the next command's output: ${Date.now() - pressed} ms`);
  assert.ok(shell.viewers.length === 1);
  await view.close();
});

test("a lost connection says so without covering the prompt, and comes back", async () => {
  const { shell, url } = newShell("none");
  // So narrow that the banner's words take several lines.
  const view = await ShellPage.open(browser, url, { viewport: { width: 320, height: 640 } });
  view.allowed.push(/WebSocket connection to/, /Failed to load resource/);
  shell.feed(Buffer.from("$ "));
  await view.sees(/^\$/);
  standIn.up = false;
  shell.cut();
  await view.state("reconnecting");
  const banner = view.page.locator(".mct-banner");
  await banner.getByText("Connection lost").waitFor();
  await view.page.waitForTimeout(300);
  const bottom = await banner.evaluate((element) => element.getBoundingClientRect().bottom);
  const top = await view.page.locator(".xterm-cursor").evaluate((element) => element.getBoundingClientRect().top);
  assert.ok(top >= bottom - 1, `the cursor's row begins at ${top}, the banner ends at ${bottom}`);
  await view.page.keyboard.type("kept");
  const { attempts } = standIn;
  await banner.getByRole("button", { name: "Try now" }).click();
  while (standIn.attempts === attempts) await view.page.waitForTimeout(10);
  standIn.up = true;
  await view.state("connected");
  await banner.getByText("Connection lost").waitFor({ state: "hidden" });
  await view.page.locator("[role=status]", { hasText: "Connected again" }).waitFor();
  while (shell.received.length < 4) await view.page.waitForTimeout(10);
  assert.equal(shell.received.toString(), "kept");
  await view.close();
});

test("a shell that ends tells its code and offers a new one, reached by Tab", async () => {
  const { url } = newShell();
  const view = await ShellPage.open(browser, url);
  await view.run("exit 3");
  await view.state("ended");
  await view.page.getByText("The shell has ended (exit code 3).").waitFor();
  await view.page.keyboard.press("Tab");
  const focused = await view.page.evaluate(() => (document.activeElement as HTMLAnchorElement).href);
  assert.equal(focused, `${url}?new=1`);
  await view.close();
});

test("a stopped VM offers Start, by event and by the page's form", async () => {
  const { shell, url } = newShell("none");
  const view = await ShellPage.open(browser, url);
  await view.page.evaluate(() => {
    const form = Object.assign(document.createElement("form"), { id: "vm-start-form", hidden: true });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      document.title += " form";
    });
    document.body.append(form);
    document.addEventListener("mc-vm-start", () => (document.title = "event"));
  });
  shell.closeAll(4010);
  await view.page.getByRole("button", { name: "Start web1" }).click();
  await view.page.waitForFunction(() => document.title === "event form");
  const refused = "The node does not answer. Try again in a moment.";
  await view.page.evaluate(
    (words) => document.querySelector("mc-terminal")!.setAttribute("start-failed", words),
    refused,
  );
  await view.page.getByText(`web1 did not start: ${refused}`).waitFor();
  assert.ok(await view.page.getByRole("button", { name: "Start web1" }).isEnabled());
  await view.close();
});

test("revoked access and a shell that is gone are told apart", async () => {
  const { shell, url } = newShell("none");
  const view = await ShellPage.open(browser, url);
  shell.closeAll(4003);
  await view.page.getByText("Your access to this shell has ended").waitFor();
  assert.equal(await view.page.getByRole("link", { name: "Sign in" }).count(), 0);
  await view.close();
  const other = newShell("none");
  const gone = await ShellPage.open(browser, other.url);
  other.shell.closeAll(4004, "the engine was restarted");
  await gone.page.getByText("This shell is gone: the engine was restarted.").waitFor();
  await gone.close();
});

test("a paste of several lines is asked about first", async () => {
  const { shell, url } = newShell("none");
  const view = await ShellPage.open(browser, url);
  await view.paste("one\ntwo\n");
  const dialog = view.page.getByRole("dialog", { name: "Paste 2 lines into web1?" });
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await view.paste("three\nfour\n");
  await view.page.getByRole("dialog").getByRole("button", { name: "Paste" }).click();
  shell.feed(Buffer.from("\x1b[?2004hmarked"));
  await view.sees(/marked/);
  await view.paste("five\nsix");
  while (!shell.received.includes("six")) await view.page.waitForTimeout(10);
  assert.equal(shell.received.toString(), "three\rfour\r\x1b[200~five\rsix\x1b[201~");
  await view.close();
});

test("a selection is copied, and Ctrl+C copies it before it interrupts", async () => {
  const { shell, url } = newShell("none");
  const view = await ShellPage.open(browser, url);
  shell.feed(Buffer.from("copy-this and not this"));
  await view.sees(/copy-this/);
  const clipboard = (): Promise<string> => view.page.evaluate(() => navigator.clipboard.readText());
  const box = await view.page.locator(".xterm-screen").boundingBox();
  assert.ok(box !== null);
  await view.page.mouse.dblclick(box.x + 20, box.y + 8);
  await view.page.getByText("Copied").waitFor();
  assert.equal(await clipboard(), "copy-this");
  await view.page.evaluate(() => navigator.clipboard.writeText("other"));
  await view.page.keyboard.press("Control+c");
  await view.copied("copy-this");
  assert.equal(shell.received.length, 0);
  await view.page.keyboard.press("Control+c");
  while (shell.received.length < 1) await view.page.waitForTimeout(10);
  assert.deepEqual([...shell.received], [3]);
  await view.close();
});

test("a second viewer sees the first one's size, and may take it", async () => {
  const { shell, url } = newShell("none");
  const first = await ShellPage.open(browser, url);
  const second = await ShellPage.open(browser, url, { viewport: { width: 640, height: 480 } });
  assert.equal(await second.size(), await first.size());
  await second.page.getByTitle("2 viewers see this shell").waitFor();
  await second.page.getByRole("button", { name: "Use my size" }).click();
  await second.page.getByRole("button", { name: "Use my size" }).waitFor({ state: "hidden" });
  await first.page.getByRole("button", { name: "Use my size" }).waitFor();
  assert.equal(await second.size(), `${shell.cols}x${shell.rows}`);
  assert.equal(await first.size(), await second.size());
  await second.close();
  await first.page.getByRole("button", { name: "Use my size" }).waitFor({ state: "hidden" });
  await first.close();
});

test("who else is there is told to screen readers: in words, and not for a moment's absence", async () => {
  const { shell, url } = newShell("none");
  const first = await ShellPage.open(browser, url);
  const bar = first.page.getByRole("group", { name: "Terminal of web1" });
  const company = bar.getByRole("status").filter({ hasText: "this shell" });
  await first.page.evaluate(() => {
    const told: string[] = [];
    const note = ({ target }: MutationRecord): void => void told.push(target.textContent ?? "");
    const observer = new MutationObserver((records) => records.forEach(note));
    for (const region of document.querySelectorAll(".mct-bar [role=status]")) {
      observer.observe(region, { childList: true });
    }
    Object.assign(window, { told });
  });
  const second = await ShellPage.open(browser, url);
  await company.filter({ hasText: "2 viewers" }).waitFor();
  assert.match(await bar.ariaSnapshot(), /status: 2 viewers see this shell/);
  assert.doesNotMatch(await bar.ariaSnapshot(), /\b2$/m, "no bare number");
  // Away for a moment: a socket that broke is opened anew.
  second.allowed.push(/WebSocket connection to/);
  const { attempts } = standIn;
  shell.viewers.at(-1)?.socket.terminate();
  while (standIn.attempts === attempts) await second.page.waitForTimeout(10);
  await second.state("connected");
  await second.close();
  await company.filter({ hasText: "Nobody else" }).waitFor();
  const told = await first.page.evaluate(() => (window as unknown as { told: string[] }).told);
  assert.deepEqual(told, ["2 viewers see this shell", "Nobody else sees this shell"]);
  await first.close();
});

test("who inherits the size has their own window's at their own font, in one step", async () => {
  const { shell, url } = newShell("none");
  const options = { viewport: { width: 700, height: 500 } };
  const alone = await ShellPage.open(browser, newShell("none").url, options);
  const first = await ShellPage.open(browser, url, { viewport: { width: 1600, height: 900 } });
  const second = await ShellPage.open(browser, url, { viewport: { width: 640, height: 480 } });
  const larger = await first.size();
  await second.page.setViewportSize(options.viewport);
  await second.page.waitForTimeout(300);
  await first.close();
  await second.page.getByRole("button", { name: "Use my size" }).waitFor({ state: "hidden" });
  await second.page.waitForTimeout(300);
  assert.deepEqual(shell.sizes, [larger, await alone.size()]);
  assert.equal(await second.size(), await alone.size());
  await second.close();
  await alone.close();
});

for (const [width, isMobile] of [[390, true], [700, false]] as const) {
  test(`at ${width} px the VM's name is whole, and a second viewer can take the size`, async () => {
    const { url } = newShell("none");
    const first = await ShellPage.open(browser, url);
    const second = await ShellPage.open(browser, url, { viewport: { width, height: 500 }, hasTouch: isMobile, isMobile });
    const take = second.page.getByRole("button", { name: "Use my size" });
    await take.waitFor();
    const onTop = await take.evaluate((button) => {
      const { left, right, top, height } = button.getBoundingClientRect();
      const hits = [left + 2, right - 2].map((x) => document.elementFromPoint(x, top + height / 2));
      return hits.every((hit) => hit === button);
    });
    assert.ok(onTop, "all of the button is in sight");
    const name = await second.page.locator(".mct-vm").evaluate((vm) => [vm.clientWidth, vm.scrollWidth]);
    assert.equal(name[0], name[1]);
    await second.close();
    await first.close();
  });
}

test("of a terminal that is larger than the window all can be scrolled to", async () => {
  const { shell, url } = newShell("none");
  const first = await ShellPage.open(browser, url, { viewport: { width: 1800, height: 1000 } });
  shell.feed(Buffer.from("left"));
  const options = { viewport: { width: 390, height: 300 }, hasTouch: true, isMobile: true };
  const second = await ShellPage.open(browser, url, options);
  await second.sees(/^left/);
  const box = await second.page.locator(".mct-screen").evaluate((screen) => {
    const inner = screen.querySelector(".xterm")!.getBoundingClientRect();
    const outer = screen.getBoundingClientRect();
    return { left: inner.left - outer.left, top: inner.top - outer.top, wider: inner.width > outer.width };
  });
  assert.ok(box.wider, "else there is nothing to scroll to");
  assert.ok(box.left >= 0 && box.top >= 0, JSON.stringify(box));
  await second.close();
  await first.close();
});

test("a program's question is answered by one viewer, and not again after a reload", async () => {
  const { shell, url } = newShell("none");
  const first = await ShellPage.open(browser, url);
  const second = await ShellPage.open(browser, url);
  shell.feed(Buffer.from("\x1b[c\x1b[6nasked"));
  await first.sees(/asked/);
  await second.sees(/asked/);
  await first.page.waitForTimeout(200);
  assert.equal(shell.received.toString(), "\x1b[?1;2c\x1b[1;1R");
  await second.close();
  await first.close();
});

test("on a touch screen the key row types, Ctrl holds for one key, targets are 44 px", async () => {
  const { shell, url } = newShell("none");
  const options = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
  const view = await ShellPage.open(browser, url, options);
  const keys = view.page.getByRole("group", { name: "Keys" });
  await keys.getByRole("button", { name: "Escape" }).tap();
  await keys.getByRole("button", { name: "Up" }).tap();
  await keys.getByRole("button", { name: /^Control/ }).tap();
  await view.page.keyboard.type("cd");
  while (shell.received.length < 6) await view.page.waitForTimeout(10);
  assert.equal(shell.received.toString(), "\x1b\x1b[A\x03d");
  for (const button of await view.page.getByRole("button").all()) {
    const box = await button.boundingBox();
    if (box !== null) assert.ok(box.height >= 44 && box.width >= 44, JSON.stringify(box));
  }
  await view.close();
});

test("font size and screen reader mode are kept in the browser", async () => {
  const { url } = newShell("none");
  const view = await ShellPage.open(browser, url);
  const before = await view.size();
  await view.page.getByRole("button", { name: "Larger text" }).click();
  await view.page.getByRole("button", { name: "Screen reader mode" }).click();
  const larger = await view.size();
  assert.notEqual(larger, before);
  await view.page.reload();
  await view.state("connected");
  assert.equal(await view.size(), larger);
  const reader = view.page.getByRole("button", { name: "Screen reader mode" });
  assert.equal(await reader.getAttribute("aria-pressed"), "true");
  await view.page.locator(".xterm-accessibility").waitFor({ state: "attached" });
  await view.close();
});

test("the keyboard leads out of the terminal, and who came by it sees how", async () => {
  const view = await ShellPage.open(browser, newShell("none").url);
  const wayOut = view.page.getByText("Ctrl+F6 leaves the terminal");
  await wayOut.waitFor();
  await view.page.keyboard.press("Control+F6");
  const label = await view.page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
  assert.match(label ?? "", /^Search/);
  await wayOut.waitFor({ state: "hidden" });
  await view.page.locator(".mct-screen").click();
  assert.equal(await wayOut.isVisible(), false, "a mouse leads out by itself");
  await view.close();
});
