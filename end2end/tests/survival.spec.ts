/** A shell outlives what carries it: a network that falls silent, a reload of the page, a restart of the server. */

import { losesSockets } from "../support/cut.ts";
import { dataDir, lives, serverPid, serverStart } from "../support/process.ts";
import { Line } from "../support/proxy.ts";
import { ShellView } from "../support/shell.ts";
import { expect, test } from "../support/test.ts";

/** Three times what docs/shell-protocol.md tells: 15 s to the next ping, 10 s for its pong. */
const NOTICED_MS = 75_000;
/** The pong is waited for 10 s. What is noticed sooner than this was not silent. */
const SILENT_MS = 5_000;
/** Three times the 10 s that docs/operations.md tells of the end by SIGTERM. */
const ENDED_MS = 30_000;
/** Three times the 10 s that are promised once the server answers. */
const BACK_MS = 30_000;
/** A second is promised from the opening of the socket on; the value is printed. */
const DRAWN_MS = 20_000;
const KEPT = "The shell goes on; what you type is kept.";

/** As `test`, with everybody's browsers on a line that can be cut. */
const testOnLine = test.extend<{ line: Line }>({
  line: async ({}, use) => {
    const line = await Line.open();
    await use(line);
    line.close();
  },
  contextOptions: async ({ contextOptions, line }, use) => {
    await use({ ...contextOptions, proxy: { server: line.address } });
  },
});

testOnLine("a network that falls silent is noticed by the page, and what was typed and printed meanwhile arrives once", async ({
  alice,
  expectFailure,
  line,
}) => {
  test.setTimeout(240_000);
  losesSockets(expectFailure);
  await alice.runningVm("silent1");
  const shell = await alice.openShell("silent1");
  const pid = await shell.pid();
  await count(shell);
  line.cut();
  const cut = Date.now();
  // The page sends it, and it is on the way until the line is mended.
  await shell.run("echo $$ early >> typed");
  const banner = alice.page.getByText(`Connection lost. ${KEPT}`);
  await expect(banner).toBeVisible({ timeout: NOTICED_MS });
  const noticed = Date.now() - cut;
  console.log(`the silence of the network was told after ${noticed} ms`);
  expect(noticed).toBeGreaterThan(SILENT_MS);
  const shown = (await numbers(shell)).length;
  // The page keeps it.
  await shell.run("echo $$ late >> typed; touch stop");
  await alice.page.getByRole("button", { name: "Try now" }).click();
  await expect.poll(() => line.hanging, { message: "connections that hang" }).toBeGreaterThan(0);
  await expect(shell.element).toHaveAttribute("data-state", "reconnecting");
  line.mend();
  await back(shell);
  await expect(banner).toBeHidden();
  expect(await counted(shell)).toBeGreaterThan(shown + 1);
  await shell.element.click();
  expect(await shell.output("cat typed")).toBe(`${pid} early\n${pid} late`);
  expect(await shell.pid()).toBe(pid);
});

test("an editor is as it was after a reload: its screen, its cursor, what is typed next, and the screen beneath it", async ({
  alice,
}) => {
  test.setTimeout(180_000);
  const { page } = alice;
  await alice.runningVm("edit1");
  const shell = await alice.openShell("edit1");
  await shell.run("clear; echo before the editor; vi poem");
  await shell.sees(/^~$/m);
  await shell.run("ione two");
  await shell.type("three four");
  await shell.press("Escape");
  // BusyBox takes what follows an Escape at once for a part of it.
  await shell.sees(/^- poem.* 2\/2 /m);
  await shell.type("k0w");
  await shell.sees(/^- poem.* 1\/2 /m);
  const place = { row: 0, column: 4, character: "t" };
  await expect.poll(() => shell.cursor()).toEqual(place);
  const before = await screen(shell);

  let opened = NaN;
  page.on("websocket", (socket) => {
    if (/\/shells\/.*\/attach/.test(socket.url())) opened = Date.now();
  });
  await page.reload();
  const again = new ShellView(page);
  await again.connected();
  await expect.poll(() => screen(again), { timeout: DRAWN_MS, intervals: [20] }).toBe(before);
  console.log(`the screen was there ${Date.now() - opened} ms after its socket was asked for`);
  await expect.poll(() => again.cursor()).toEqual(place);

  await again.element.click();
  await again.type("iand ");
  await again.sees(/^one and two *$/m);
  await again.press("Escape");
  await again.sees(/^- poem/m);
  await again.run(":wq");
  await again.prompt();
  const left = await again.text();
  expect(left).toMatch(/^before the editor$/m);
  expect(left).not.toMatch(/^~$|two|four/m);
  expect(await again.output("cat poem")).toBe("one and two\nthree four");
});

test("a reload, and coming back, lead to the shell that was shown, though a newer one is open", async ({ alice }) => {
  const { page } = alice;
  await alice.runningVm("same1");
  const shell = await alice.openShell("same1");
  const pid = await shell.pid();
  const other = await page.context().newPage();
  await other.goto("/shell/same1?new=1");
  const newer = new ShellView(other);
  await newer.connected();
  await newer.prompt();
  await newer.element.click();
  expect(await newer.pid()).not.toBe(pid);

  await page.reload();
  const again = new ShellView(page);
  await again.connected();
  await again.element.click();
  expect(await again.pid()).toBe(pid);
  await alice.visit("/");
  await page.goBack();
  const back = new ShellView(page);
  await back.connected();
  await back.element.click();
  expect(await back.pid()).toBe(pid);
  await other.close();
});

test("an editor that is come back to in another window fills that one", async ({ alice }) => {
  const { page } = alice;
  await alice.runningVm("edit2");
  const shell = await alice.openShell("edit2");
  await shell.run("vi poem");
  const before = await rowsOf(shell);
  await expect.poll(() => filled(shell), { message: "rows that the editor fills" }).toBe(before);
  const address = page.url();
  await alice.visit("/");
  await page.setViewportSize({ width: 900, height: 500 });
  await page.goto(address);
  const again = new ShellView(page);
  await again.connected();
  const rows = await rowsOf(again);
  expect(rows).toBeLessThan(before);
  await expect.poll(() => filled(again), { message: "rows that the editor fills" }).toBe(rows);
  await again.sees(/^- poem/m);
});

test("a server that is ended by SIGTERM and started again gives the same shell back, and its program goes on", async ({
  alice,
  expectFailure,
}) => {
  test.skip(dataDir === undefined, "the server's processes are known to script/test alone");
  test.setTimeout(180_000);
  // The sockets are lost, and tried again while nobody listens.
  losesSockets(expectFailure);
  await alice.runningVm("term1");
  const shell = await alice.openShell("term1");
  const pid = await shell.pid();
  await count(shell);
  const server = await serverPid();
  const began = Date.now();
  process.kill(server, "SIGTERM");
  // Not that the connection was lost, though nobody answers the tries that follow.
  await expect(alice.page.getByText(`MiniCloud restarts. ${KEPT}`)).toBeVisible();
  await expect.poll(() => lives(server), { message: "the server lives", timeout: ENDED_MS }).toBe(false);
  console.log(`the server was seen to have ended ${Date.now() - began} ms after SIGTERM`);
  const shown = (await numbers(shell)).length;
  await serverStart();
  await back(shell);
  await shell.sees(new RegExp(`tick-${shown + 2}\\b`), BACK_MS);
  await shell.run("touch stop");
  await counted(shell);
  expect(await shell.pid()).toBe(pid);
});

/** Has the shell count in the background, until there is a file `stop`; one number has come. */
async function count(shell: ShellView): Promise<void> {
  // Seldom, so that all of it stays on the screen; in a subshell, which tells nothing of its jobs.
  const loop = "n=0; until [ -e stop ]; do n=$((n+1)); echo tick-$n; sleep 3; done; echo end-$n";
  await shell.run(`clear; ( (${loop}) & )`);
  await shell.sees(/tick-1\b/);
}

/** The numbers on the screen, as they came. */
async function numbers(shell: ShellView): Promise<number[]> {
  return [...(await shell.text()).matchAll(/tick-(\d+)/g)].map((match) => Number(match[1]));
}

/** Waits for the end of the count: no number is missing, none is there twice. Answers how many there are. */
async function counted(shell: ShellView): Promise<number> {
  const end = Number(/end-(\d+)/.exec(await shell.sees(/end-\d+/))?.[1]);
  expect(await numbers(shell)).toEqual(Array.from({ length: end }, (_, at) => at + 1));
  return end;
}

/** Rows that an empty file takes in vi: its one line, a mark for each that it lacks, and the line at the end. */
async function filled(shell: ShellView): Promise<number> {
  return ((await screen(shell)).match(/^~$/gm) ?? []).length + 2;
}

async function rowsOf(shell: ShellView): Promise<number> {
  return Number((await shell.size()).split("x")[1]);
}

/** What is to be seen: whether a program wrote the blanks at the end of a line is not. */
async function screen(shell: ShellView): Promise<string> {
  return (await shell.text()).replace(/ +$/gm, "");
}

async function back(shell: ShellView): Promise<void> {
  const began = Date.now();
  await expect(shell.element).toHaveAttribute("data-state", "connected", { timeout: BACK_MS });
  console.log(`the shell was back after ${Date.now() - began} ms`);
}
