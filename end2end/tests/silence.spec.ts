/** A connection that falls silent and is closed by nobody, as of a server that hangs: pages say so, and come back. */

import type { Page, WebSocketRoute } from "@playwright/test";

import { losesSockets } from "../support/cut.ts";
import { ask } from "../support/probe.ts";
import { dataDir, serverPid } from "../support/process.ts";
import { expect, freshName, test } from "../support/test.ts";

/** Three times the 20 s without a message after which a connection counts as lost; the value is printed. */
const NOTICED_MS = 60_000;
/** The server says something every 5 s. What is noticed sooner than this was not silent. */
const SILENT_MS = 10_000;
/** Three times the 3 s in which an answer has to come where it was asked for. */
const WOKEN_MS = 9_000;
/** Three times: 20 s for an attempt that hangs, and 5 s to the next. */
const BACK_MS = 75_000;
/** Three times the three rounds of 5 s after which figures count as old. */
const OLD_MS = 45_000;

const banner = (page: Page) => page.getByText("Connection lost. Reconnecting");

/** Stands between a page and the server for the live state of its VMs, for every socket that is opened from now on. */
class Hush {
  private silent = false;
  /** How often a socket was opened. */
  opened = 0;
  /** How many messages the page got. */
  told = 0;

  static async into(page: Page): Promise<Hush> {
    const hush = new Hush();
    await page.routeWebSocket(/\/live$/, (route) => hush.join(route));
    return hush;
  }

  /** From now on nothing gets through, nothing is closed, and new sockets hang. */
  begin(): void {
    this.silent = true;
  }

  end(): void {
    this.silent = false;
  }

  private join(route: WebSocketRoute): void {
    this.opened += 1;
    if (this.silent) return;
    const server = route.connectToServer();
    route.onMessage((message) => {
      if (!this.silent) server.send(message);
    });
    server.onMessage((message) => {
      if (this.silent) return;
      this.told += 1;
      route.send(message);
    });
  }
}

test("a page whose connection falls silent says so, and shows what is true once it is back", async ({ alice }) => {
  test.setTimeout(240_000);
  const { page } = alice;
  const hush = await Hush.into(page);
  await alice.visit("/");
  await alice.runningVm("silent2");
  hush.begin();
  const began = Date.now();
  const answer = await ask(page, "/api/vm_stop", [], { name: "silent2" });
  expect(answer.status, answer.body).toBe(200);
  await expect(banner(page)).toBeVisible({ timeout: NOTICED_MS });
  const noticed = Date.now() - began;
  console.log(`the silence of the live state was told after ${noticed} ms`);
  expect(noticed).toBeGreaterThan(SILENT_MS);
  // What the page says is old, as it says.
  await alice.waitForState("silent2", "Running");
  hush.end();
  await expect(banner(page)).toBeHidden({ timeout: BACK_MS });
  await alice.waitForState("silent2", "Stopped");
});

test("a page that wakes finds out within seconds whether its connection lives", async ({ alice }) => {
  const { page } = alice;
  const hush = await Hush.into(page);
  await alice.visit("/");
  await expect.poll(() => hush.told, { message: "messages" }).toBeGreaterThan(0);
  // Once more where this machine was too busy to answer in three seconds.
  await expect(async () => {
    const { opened } = hush;
    await wake(page);
    // Longer than an answer is waited for.
    await page.waitForTimeout(6_000);
    await expect(banner(page)).toBeHidden();
    expect(hush.opened, "sockets after waking with one that lives").toBe(opened);
  }).toPass({ timeout: 60_000 });

  hush.begin();
  const began = Date.now();
  await wake(page);
  await expect(banner(page)).toBeVisible({ timeout: WOKEN_MS });
  console.log(`a page that woke told the silence after ${Date.now() - began} ms`);
  hush.end();
  await wake(page);
  await expect(banner(page)).toBeHidden({ timeout: WOKEN_MS });
});

test("a page says that the server hangs, and goes on with it", async ({ alice, expectFailure }) => {
  test.skip(dataDir === undefined, "the server's processes are known to script/test alone");
  test.setTimeout(240_000);
  losesSockets(expectFailure);
  const { page } = alice;
  await alice.runningVm("silent3");
  const server = await serverPid();
  process.kill(server, "SIGSTOP");
  try {
    const began = Date.now();
    await expect(banner(page)).toBeVisible({ timeout: NOTICED_MS });
    console.log(`a server that hangs was told after ${Date.now() - began} ms`);
  } finally {
    process.kill(server, "SIGCONT");
  }
  await expect(banner(page)).toBeHidden({ timeout: BACK_MS });
  await alice.waitForState("silent3", "Running");
});

test("a VM's page says that its figures are old while it cannot have newer ones", async ({ alice, expectFailure }) => {
  test.setTimeout(180_000);
  expectFailure(/console error: Failed to load resource/);
  const { page } = alice;
  await alice.runningVm("silent4");
  await alice.visit("/vms/silent4");
  const old = page.getByText("asking for it anew has failed");
  await expect(old).toBeHidden();
  await page.route(/\/api\/vm_get\b/, (route) => route.abort());
  await expect(old).toBeVisible({ timeout: OLD_MS });
  await expect(banner(page)).toBeHidden();
  await page.unrouteAll();
  await expect(old).toBeHidden();
});

test("a log in which nothing is logged stays connected", async ({ admin }) => {
  const { page } = admin;
  const opened: string[] = [];
  page.on("websocket", (socket) => opened.push(socket.url()));
  await admin.visit(`/admin/logs?level=error&text=${freshName("nothing")}`);
  // Longer than the silence after which it would count as lost.
  await page.waitForTimeout(30_000);
  await expect(banner(page)).toHaveCount(0);
  expect(opened.filter((url) => url.includes("/live/logs"))).toHaveLength(1);
});

/** As the browser does when its network is back. */
async function wake(page: Page): Promise<void> {
  await page.evaluate(() => dispatchEvent(new Event("online")));
}

test("a page too many says why it hears nothing, and follows once others are closed", async ({ alice }) => {
  const { page } = alice;
  await alice.visit("/");
  const further = await page.context().newPage();
  // As many as one user may have: with this page's own one is too many, whichever came last.
  await page.evaluate(async () => {
    const address = `${location.origin.replace("http", "ws")}/live`;
    const sockets = Array.from({ length: 64 }, () => new WebSocket(address));
    const settled = (socket: WebSocket) =>
      new Promise((done) => {
        for (const event of ["message", "close"]) socket.addEventListener(event, done, { once: true });
      });
    await Promise.all(sockets.map(settled));
    Object.assign(window, { sockets });
  });
  await further.goto("/");
  const full = further.getByText("Too many live pages are open");
  await expect(full).toBeVisible();
  await page.evaluate(async () => {
    const { sockets } = window as unknown as { sockets: WebSocket[] };
    const closed = (socket: WebSocket) =>
      new Promise((done) => {
        if (socket.readyState === WebSocket.CLOSED) done(undefined);
        else socket.addEventListener("close", done);
      });
    for (const socket of sockets) socket.close();
    // Until then the server counts them.
    await Promise.all(sockets.map(closed));
  });
  // It looks again by itself after 30 s, or when somebody looks at it.
  await further.evaluate(() => dispatchEvent(new Event("online")));
  await expect(full).toBeHidden();
  await further.close();
});
