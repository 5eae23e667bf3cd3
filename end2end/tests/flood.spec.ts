/** A program that prints without end: what it costs, and that it can be stopped. */

import { readFile } from "node:fs/promises";

import type { Page } from "@playwright/test";

import { dataDir, holderPid, nodePid, serverPid } from "../support/process.ts";
import { expect, test } from "../support/test.ts";

const MIB = 1024 * 1024;
/** A minute is promised; the whole of it with `script/test --long`. */
const FLOOD_MS = process.env.MINICLOUD_TEST_LONG === undefined ? 10_000 : 60_000;
const HEAP_MAX = 150 * MIB;
/** What a server may grow by, and a node together with what holds its shells. */
const GROWTH_MAX = 16 * MIB;
/** Half a second is promised to an optimised build on an idle machine, which `script/bench` measures. */
const STOPPED_MS = 10_000;

test.skip(dataDir === undefined, "the server's processes are known to script/test alone");

test("a flood costs the page, the server and the node little, and Ctrl+C ends it", async ({ alice }) => {
  test.setTimeout(180_000);
  await alice.runningVm("flood1");
  const node = /node-\d/.exec(await alice.row("flood1").innerText())?.[0] ?? "";
  const shell = await alice.openShell("flood1");
  // What is allocated once is there.
  await shell.output("seq 20000; clear");
  const pids = [await serverPid(), await nodePid(node), await holderPid(node)];
  const before = await Promise.all(pids.map(memory));
  await shell.run("yes");
  await shell.sees(/y\ny\ny/);
  await alice.page.waitForTimeout(FLOOD_MS);
  const heap = await heapUsed(alice.page);
  const after = await Promise.all(pids.map(memory));
  const [server = NaN, ofNode = NaN, holder = NaN] = after.map((now, at) => now - (before[at] ?? NaN));
  const pressed = Date.now();
  await shell.press("Control+c");
  // Not by `sees`, which looks ever more seldom.
  while (!/[#$] ?$/.test(await shell.text())) await alice.page.waitForTimeout(20);
  const stopped = Date.now() - pressed;
  const mib = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`;
  console.log(
    `after ${FLOOD_MS / 1000} s of yes: heap ${mib(heap)}, server +${mib(server)}, node +${mib(ofNode)}, ` +
      `its holder +${mib(holder)}; Ctrl+C to the prompt ${stopped} ms`,
  );
  expect(heap).toBeLessThan(HEAP_MAX);
  expect(server).toBeLessThan(GROWTH_MAX);
  expect(ofNode + holder).toBeLessThan(GROWTH_MAX);
  expect(stopped).toBeLessThan(STOPPED_MS);
});

/** The process's own memory, in bytes. */
async function memory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** What the page's script holds, after garbage was collected. */
async function heapUsed(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return usedSize;
}
