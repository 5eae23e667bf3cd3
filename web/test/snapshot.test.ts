// A snapshot of the node's, drawn by the browser's terminal, is the screen that all the output would
// have made there: the node's terminal and this one are programs of different people. The streams and
// their snapshots are those of node/tests/corpus.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import headless from "@xterm/headless";

const CORPUS = new URL("../../../node/tests/corpus/", import.meta.url);
const COLS = 80;
const ROWS = 24;
/** How many bytes follow before the screens are compared again. */
const FOLLOW = 400;

interface Kept {
  at: number;
  bytes: Uint8Array;
}

for (const program of ["bash", "htop", "less", "tmux", "top", "vim"]) {
  test(`snapshots of ${program}, drawn here, are what its output is here`, async () => {
    const stream = new Uint8Array(readFileSync(new URL(`${program}.bin`, CORPUS)));
    const kept = snapshots(new Uint8Array(readFileSync(new URL(`${program}.snapshots`, CORPUS))));
    assert.equal(kept.at(-1)?.at, stream.length);
    for (const { at, bytes } of kept) {
      const [straight, redrawn] = [terminal(), terminal()];
      await write(straight, stream.subarray(0, at));
      await write(redrawn, bytes);
      assert.deepEqual(seen(redrawn), seen(straight), `${program} at ${at}`);
      const more = stream.subarray(at, at + FOLLOW);
      await write(straight, more);
      await write(redrawn, more);
      assert.deepEqual(seen(redrawn), seen(straight), `${program} at ${at}, and ${more.length} bytes on`);
    }
  });
}

function snapshots(file: Uint8Array): Kept[] {
  const all: Kept[] = [];
  for (let from = 0; from < file.length; ) {
    const line = file.indexOf(0x0a, from);
    const [at = 0, length = 0] = new TextDecoder().decode(file.subarray(from, line)).split(" ").map(Number);
    all.push({ at, bytes: file.subarray(line + 1, line + 1 + length) });
    from = line + 1 + length;
  }
  return all;
}

function terminal(): headless.Terminal {
  return new headless.Terminal({ cols: COLS, rows: ROWS, scrollback: 1_000, allowProposedApi: true, logLevel: "off" });
}

function write(to: headless.Terminal, bytes: Uint8Array): Promise<void> {
  return new Promise((done) => to.write(bytes, done));
}

/** All that a viewer can tell apart, line by line. */
function seen(of: headless.Terminal): unknown {
  const { active, normal } = of.buffer;
  return {
    screen: active.type,
    cursor: [active.cursorX, active.cursorY],
    modes: of.modes,
    lines: lines(active),
    under: active.type === "alternate" ? lines(normal) : [],
  };
}

function lines(buffer: headless.IBuffer): string[] {
  const all = [];
  for (let y = 0; y < buffer.length; y++) {
    const row = buffer.getLine(y);
    // What a line goes on from is of use when the width changes, which the alternate screen leaves to its program.
    const goesOn = buffer.type === "normal" && row?.isWrapped && row.translateToString(true) !== "";
    all.push((goesOn ? "↩" : "") + line(row));
  }
  return all;
}

/** Its text, with a mark wherever the manner of drawing changes. */
function line(of: headless.IBufferLine | undefined): string {
  let text = "";
  let before = "";
  for (let x = 0; x < (of?.length ?? 0); x++) {
    const cell = of?.getCell(x);
    if (!cell || cell.getWidth() === 0) continue;
    const chars = cell.getChars() || " ";
    const manner = [
      cell.getFgColorMode(), cell.getFgColor(), cell.getBgColorMode(), cell.getBgColor(),
      cell.isBold(), cell.isDim(), cell.isItalic(), cell.isUnderline(), cell.isInverse(),
    ].join(",");
    if (manner !== before) text += `⟦${manner}⟧`;
    before = manner;
    text += chars;
  }
  return text;
}
