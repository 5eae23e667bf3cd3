import type { IUnicodeVersionProvider } from "@xterm/xterm";

import { NONE, TWO, WIDENED } from "./width-table.ts";

type Cells = 0 | 1 | 2;

/** U+FE0F: the character before it is meant as an emoji. */
const EMOJI_SELECTOR = 0xfe0f;
/** What is not in the table takes one cell. */
const KIND = { one: 0, none: 1, two: 2, widened: 3 } as const;

/**
 * How many cells characters take: what the node counts, or a snapshot of its screen would stand otherwise than
 * the output that it stands for. That is each character by itself, as programs in a VM count too: an emoji of
 * several parts takes the cells of them all. A mark takes none; U+FE0F widens the character right before it.
 */
export class NodeWidths implements IUnicodeVersionProvider {
  readonly version = "node";
  private readonly kinds = new Uint8Array(0x110000);

  constructor() {
    this.fill(NONE, KIND.none);
    this.fill(TWO, KIND.two);
    this.fill(WIDENED, KIND.widened);
  }

  wcwidth(codepoint: number): Cells {
    const kind = this.kinds[codepoint];
    if (kind === KIND.none) return 0;
    return kind === KIND.two ? 2 : 1;
  }

  /**
   * Packed as xterm reads it: bit 0, whether the character joins the one before it; bits 1 and 2, the cells of
   * both together; above, what the next call is to know of it (here: whether U+FE0F widens it). `preceding` is
   * this of the character before, 0 where something else came between.
   */
  charProperties(codepoint: number, preceding: number): number {
    const cells = this.wcwidth(codepoint);
    if (cells > 0) return packed(this.kinds[codepoint] === KIND.widened, cells, false);
    const widens = codepoint === EMOJI_SELECTOR && preceding >> 3 === 1;
    return packed(false, widens ? 2 : (preceding >> 1) & 3, true);
  }

  private fill(ranges: string, kind: number): void {
    for (const range of ranges.trim().split(/\s+/)) {
      const [first = 0, last = first] = range.split("-").map((code) => Number.parseInt(code, 16));
      this.kinds.fill(kind, first, last + 1);
    }
  }
}

function packed(isWidened: boolean, cells: number, joins: boolean): number {
  return (Number(isWidened) << 3) | (cells << 1) | Number(joins);
}
