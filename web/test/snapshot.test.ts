// A snapshot of the node's, drawn by the browser's terminal, is the screen that all the output would
// have made there: the node's terminal and this one are programs of different people. The streams and
// their snapshots are those of node/tests/corpus.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import headless from "@xterm/headless";

import { mendErase } from "../src/erase.ts";
import { WholeCharacters } from "../src/whole-characters.ts";
import { NodeWidths } from "../src/widths.ts";

const CORPUS = new URL("../../../node/tests/corpus/", import.meta.url);
const COLS = 80;
const ROWS = 24;
/** How many bytes follow before the screens are compared again. */
const FOLLOW = 400;

interface Kept {
  at: number;
  bytes: Uint8Array;
}

/** A terminal as terminal.ts has it, without a page. */
class Screen {
  readonly xterm = new headless.Terminal({
    cols: COLS, rows: ROWS, scrollback: 1_000, allowProposedApi: true, logLevel: "off",
  });
  private readonly characters = new WholeCharacters();

  constructor() {
    const widths = new NodeWidths();
    this.xterm.unicode.register(widths);
    this.xterm.unicode.activeVersion = widths.version;
    mendErase(this.xterm);
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((done) => this.xterm.write(this.characters.next(bytes), done));
  }
}

for (const program of ["bash", "emoji", "functions", "htop", "less", "tmux", "top", "vim"]) {
  test(`snapshots of ${program}, drawn here, are what its output is here`, async () => {
    const stream = new Uint8Array(readFileSync(new URL(`${program}.bin`, CORPUS)));
    const kept = snapshots(new Uint8Array(readFileSync(new URL(`${program}.snapshots`, CORPUS))));
    assert.equal(kept.at(-1)?.at, stream.length);
    for (const { at, bytes } of kept) {
      const [straight, redrawn] = [new Screen(), new Screen()];
      await straight.write(stream.subarray(0, at));
      await redrawn.write(bytes);
      assert.deepEqual(seen(redrawn.xterm), seen(straight.xterm), `${program} at ${at}`);
      const more = stream.subarray(at, at + FOLLOW);
      await straight.write(more);
      await redrawn.write(more);
      assert.deepEqual(seen(redrawn.xterm), seen(straight.xterm), `${program} at ${at}, and ${more.length} bytes on`);
    }
  });
}

test("erasing up to the last cell leaves a terminal that goes on", async () => {
  for (const erase of ["\x1b[1J", "\x1b[?1J"]) {
    for (const [before, row] of [["", ROWS], ["", 7], ["line\r\n".repeat(30), ROWS], ["\x1b[?1049h", ROWS]] as const) {
      const screen = new Screen();
      await screen.write(new TextEncoder().encode(`${before}\x1b[1;1Htext\x1b[${row};999H${erase}\x1b[1;2Hon`));
      const { active } = screen.xterm.buffer;
      const first = active.getLine(active.baseY)?.translateToString(true);
      assert.equal(first, " on", `${before.length} before, row ${row}`);
      assert.equal(active.cursorX, 3);
    }
  }
});

test("what follows an emoji stands where a program that counts character by character expects it", async () => {
  const expected: [string, number][] = [
    ["👍🏽", 4], ["👨‍👩‍👧", 6], ["👩🏽‍🚀", 6], ["❤️", 2], ["❤", 1], ["🇩🇪", 2], ["1️⃣", 2], ["☎︎", 1], ["e\u0301", 1], ["日本", 4], ["\ufffd", 1],
  ];
  const screen = new Screen();
  await screen.write(new TextEncoder().encode(expected.map(([emoji]) => `${emoji}|`).join("\r\n")));
  const found = expected.map(([emoji], y): [string, number] => [emoji, columnOf("|", screen.xterm.buffer.active.getLine(y))]);
  assert.deepEqual(found, expected);
});

/** The first cell that holds the character; -1 where none does. */
function columnOf(character: string, row: headless.IBufferLine | undefined): number {
  const cells = Array.from({ length: row?.length ?? 0 }, (_, x) => row?.getCell(x)?.getChars());
  return cells.indexOf(character);
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
