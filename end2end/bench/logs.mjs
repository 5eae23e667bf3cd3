// The admin's log page under 20,000 lines at 500 a second: the longest task of the page's thread, and
// how many lines stand in the page. `script/bench` runs this against a new server.
import { Agent, request } from "node:http";

import { chromium } from "playwright-core";

import { launchOptions } from "../../script/lib/chromium.mjs";

const url = new URL(process.env.MINICLOUD_URL ?? "http://127.0.0.1:5555");
const LINES = 20_000;
const PER_SECOND = 500;
const password = "lantern-quarry-otter-27";

const browser = await chromium.launch(launchOptions);
try {
  const page = await browser.newPage({ baseURL: url.origin });
  await signIn(page);
  await page.goto("/admin/logs");
  await page.locator("html[data-script=on]").waitFor({ state: "attached" });
  await page.waitForTimeout(2_000);
  await page.evaluate(() => {
    window.longTasks = [];
    new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => window.longTasks.push(duration))).observe({
      type: "longtask",
    });
  });
  const took = await flood();
  await page.waitForTimeout(2_000);
  const tasks = await page.evaluate(() => window.longTasks);
  const rows = await page.locator(".log-lines > *").count();
  const longest = tasks.length === 0 ? "none over 50 ms" : `the longest of ${tasks.length} over 50 ms took ${Math.max(...tasks).toFixed(0)} ms`;
  console.log(`${LINES} log lines in ${took.toFixed(1)} s on the admin's log page: tasks: ${longest}; ${rows} lines in the page.`);
} finally {
  await browser.close();
}

/** The first start's way in: a new password, then the admin's pages. */
async function signIn(page) {
  await page.goto("/login");
  await page.locator("html[data-script=on]").waitFor({ state: "attached" });
  await page.getByLabel("User name").fill("admin");
  await page.getByLabel("Password", { exact: true }).fill("admin");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("Current password").waitFor();
  await page.getByLabel("Current password").fill("admin");
  await page.getByLabel("New password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.waitForURL(/\/admin$/);
}

/** Each request under a foreign Host is one line in the log. Answers the seconds it took. */
async function flood() {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const begun = performance.now();
  let sent = 0;
  while (sent < LINES) {
    const due = Math.min(LINES, Math.ceil(((performance.now() - begun) / 1000) * PER_SECOND));
    await Promise.all(Array.from({ length: due - sent }, () => line(agent)));
    sent = due;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  agent.destroy();
  return (performance.now() - begun) / 1000;
}

function line(agent) {
  return new Promise((resolve, reject) => {
    const sent = request({ agent, host: url.hostname, port: url.port, path: "/login", headers: { Host: "elsewhere.example" } }, (answer) => {
      answer.resume().on("end", resolve);
    });
    sent.on("error", reject).end();
  });
}
