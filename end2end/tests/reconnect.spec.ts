/** A connection that is cut again and again: what is typed and what is printed arrive once, and whole. */

import { randomBytes } from "node:crypto";

import { Cut, losesSockets, sha256 } from "../support/cut.ts";
import type { ShellView } from "../support/shell.ts";
import { expect, test } from "../support/test.ts";

const CUTS = 10;
const DONE_MS = 60_000;
/** Of the file that is printed: 768,000 random bytes in letters. */
const SIZE = 1_024_000;

test("a paste of 1 MB during ten disconnects arrives in the VM once and whole", async ({ alice, expectFailure }) => {
  test.setTimeout(180_000);
  losesSockets(expectFailure);
  await alice.runningVm("paste1");
  const cut = await Cut.into(alice.page);
  const shell = await alice.openShell("paste1");
  const text = randomBytes(500_000).toString("hex");
  await shell.run("stty -icanon -echo; echo rea''dy; head -c 1000000 | sha256sum; stty sane");
  await shell.sees(/^ready$/m);
  await alice.page.evaluate((data) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", data);
    const event = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
    document.querySelector(".xterm-helper-textarea")?.dispatchEvent(event);
  }, text);
  for (let time = 0; time < CUTS; time++) {
    await alice.page.waitForTimeout(100);
    await again(cut, shell);
  }
  await shell.sees(new RegExp(sha256(text)), DONE_MS);
  expect(cut.opened).toBeGreaterThan(CUTS);
});

test("output over ten disconnects arrives without a gap and not twice", async ({ alice, expectFailure }) => {
  test.setTimeout(180_000);
  losesSockets(expectFailure);
  await alice.runningVm("output1");
  const cut = await Cut.into(alice.page);
  const shell = await alice.openShell("output1");
  // A tenth at a time, when it is asked for: less than what a node keeps (256 KiB) while nobody is there.
  const part = "dd if=f bs=102400 skip=$n count=1 2>/dev/null";
  const parts = `n=0; while [ $n -lt ${CUTS} ]; do read x; sleep 0.3; ${part}; n=$((n+1)); done`;
  await shell.run(`head -c 768000 /dev/urandom | base64 -w 0 >f; sha256sum f; stty -opost -echo; echo rea''dy; ${parts}; stty sane`);
  const sum = /([0-9a-f]{64})\s+f/.exec(await shell.sees(/[0-9a-f]{64}\s+f/))?.[1];
  await shell.sees(/ready\s*$/);
  const begin = cut.end;
  for (let time = 0; time < CUTS; time++) {
    // The next part comes while nobody is there, or right as somebody is again.
    await shell.press("Enter");
    await again(cut, shell);
  }
  await expect.poll(() => cut.end - begin, { timeout: DONE_MS }).toBeGreaterThan(SIZE);
  expect(sha256(cut.bytesFrom(begin).subarray(0, SIZE))).toBe(sum);
  expect(cut.opened).toBeGreaterThan(CUTS);
});

async function again(cut: Cut, shell: ShellView): Promise<void> {
  const opened = cut.opened;
  await cut.cut();
  await expect.poll(() => cut.opened, { timeout: 15_000 }).toBeGreaterThan(opened);
  await shell.connected();
}
