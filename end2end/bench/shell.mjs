// The shell in a browser: a key's echo until the terminal has it and until it is drawn, and the prompt after
// Ctrl+C in a flood.
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
    window.WebSocket = class extends WebSocket {
      constructor(...given) {
        super(...given);
        // Behind the page's own listener, which is there as soon as the page's code rests: the terminal has it by
        // then. A task of its own would run behind the drawing, too, as often as not.
        queueMicrotask(() => this.addEventListener("message", () => window.afterFrame?.()));
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

/**
 * Types key after key, and takes the time from the page's own keydown to the letter in the terminal, and to the
 * end of the frame that shows it: a screen draws 60 a second.
 */
async function echoes(page) {
  await page.keyboard.type("stty -icanon; clear; cat >/dev/null\n");
  await page.waitForTimeout(500);
  await page.evaluate(() => {
    const terminal = document.querySelector("mc-terminal");
    const letters = () => terminal.terminalText().split("k").length - 1;
    let began = 0;
    let before = 0;
    window.echoes = [];
    window.drawings = [];
    const turn = new MessageChannel();
    turn.port1.onmessage = ({ data }) => window.drawings.push(performance.now() - data);
    // Looks once after each frame of the shell: to look all the time would hold the page up.
    window.afterFrame = () => {
      if (began === 0 || letters() === before) return;
      const pressed = began;
      began = 0;
      window.echoes.push(performance.now() - pressed);
      requestAnimationFrame(() => turn.port2.postMessage(pressed));
    };
    addEventListener("keydown", () => ([before, began] = [letters(), performance.now()]), true);
  });
  for (let key = 0; key < KEYS; key++) {
    await page.keyboard.press("k");
    // As a person types. To look whether it is there would have the page draw all the time.
    await page.waitForTimeout(60);
  }
  const [echoed, drawn] = await page.evaluate(() => [window.echoes, window.drawings]);
  if (echoed.length !== KEYS) throw new Error(`${echoed.length} of ${KEYS} keys were echoed in time`);
  console.log(`Echo of a key in the browser, keydown to the letter in the terminal, ${KEYS} keys: ${parts(echoed)}; to the end of its frame: ${parts(drawn)}.`);
  await page.keyboard.press("Control+c");
  await page.keyboard.type("clear\n");
  await prompt(page);
}

function parts(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part) => (sorted[Math.ceil(sorted.length * part) - 1] ?? NaN).toFixed(2);
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms`;
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
