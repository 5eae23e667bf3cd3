// The shell in a browser: a key's echo until the terminal has it, and the prompt after Ctrl+C in a flood.
// `script/bench` runs this with a user who has room for one more VM.
import { chromium } from "playwright-core";

import { launchOptions } from "../../script/lib/chromium.mjs";

const url = new URL(process.env.MINICLOUD_URL ?? "http://127.0.0.1:5555");
const KEYS = 300;
const FLOOD_MS = 10_000;
const FLOODS = 5;
const VM = "bench-browser";

const browser = await chromium.launch(launchOptions);
try {
  const page = await browser.newPage({ baseURL: url.origin });
  await page.addInitScript(() => {
    const turn = new MessageChannel();
    turn.port1.onmessage = () => window.afterFrame?.();
    window.WebSocket = class extends WebSocket {
      constructor(...given) {
        super(...given);
        // Told behind the page's own listener, which has drawn it by then.
        this.addEventListener("message", () => turn.port2.postMessage(0));
      }
    };
  });
  await call(page, "login", { name: "bench", password: process.env.MINICLOUD_BENCH_PASSWORD ?? "" });
  await call(page, "vm_create", { name: VM, flavor: "tiny", image: "base" });
  await page.goto(`/vms/${VM}`);
  await page.locator(".page-head").getByText("Running").waitFor({ timeout: 60_000 });
  await page.goto(`/shell/${VM}`);
  await prompt(page);
  await echoes(page);
  await floods(page);
  await call(page, "vm_delete", { name: VM });
} finally {
  await browser.close();
}

/** Types key after key, and takes the time from the page's own keydown to the letter in the terminal. */
async function echoes(page) {
  await page.keyboard.type("stty -icanon; clear; cat >/dev/null\n");
  await page.waitForTimeout(500);
  await page.evaluate(() => {
    const terminal = document.querySelector("mc-terminal");
    const letters = () => terminal.terminalText().split("k").length - 1;
    let began = 0;
    let before = 0;
    window.echoes = [];
    // Looks once after each frame of the shell: to look all the time would hold the page up.
    window.afterFrame = () => {
      if (began > 0 && letters() !== before) [began] = [0, window.echoes.push(performance.now() - began)];
    };
    addEventListener("keydown", () => ([before, began] = [letters(), performance.now()]), true);
  });
  for (let key = 0; key < KEYS; key++) {
    await page.keyboard.press("k");
    // As a person types. To look whether it is there would have the page draw all the time.
    await page.waitForTimeout(60);
  }
  const times = (await page.evaluate(() => window.echoes)).sort((a, b) => a - b);
  if (times.length !== KEYS) throw new Error(`${times.length} of ${KEYS} keys were echoed in time`);
  const at = (part) => (times[Math.ceil(times.length * part) - 1] ?? NaN).toFixed(2);
  console.log(`Echo of a key in the browser, keydown to the letter in the terminal, ${KEYS} keys: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms.`);
  await page.keyboard.press("Control+c");
  await page.keyboard.type("clear\n");
  await prompt(page);
}

async function floods(page) {
  const times = [];
  for (let flood = 0; flood < FLOODS; flood++) {
    await page.keyboard.type("yes\n");
    await page.waitForTimeout(FLOOD_MS);
    const began = performance.now();
    await page.keyboard.press("Control+c");
    await prompt(page);
    times.push(Math.round(performance.now() - began));
    await page.keyboard.type("clear\n");
    await prompt(page);
  }
  console.log(`Ctrl+C after ${FLOOD_MS / 1000} s of yes in the browser, to the prompt, ${FLOODS} times: ${times.join(", ")} ms.`);
}

async function prompt(page) {
  await page.waitForFunction(() => /[#$] ?$/.test(document.querySelector("mc-terminal")?.terminalText?.() ?? ""), null, {
    polling: 10,
    timeout: 30_000,
  });
}

/** A form of the pages, sent as they would send it. */
async function call(page, name, form) {
  if (page.url() === "about:blank") await page.goto("/login");
  const status = await page.evaluate(async ([to, fields]) => {
    const answer = await fetch(to, { method: "POST", body: new URLSearchParams(fields), headers: { Accept: "application/json" } });
    return answer.ok ? "" : `${answer.status} ${await answer.text()}`;
  }, [`/api/${name}`, form]);
  if (status) throw new Error(`${name} answered ${status}`);
}
