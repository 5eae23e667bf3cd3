/**
 * Programs ask the terminal what it is, where its cursor is, which colours it has; xterm answers
 * into the input. With several viewers, or when old output is drawn again, such an answer would be
 * typed into the prompt, so it can be muted.
 */

import type { IFunctionIdentifier, Terminal } from "@xterm/xterm";

/** Control sequences that ask: device attributes, status and cursor, modes, window size. */
const CSI_QUERIES: readonly IFunctionIdentifier[] = [
  { final: "c" },
  { prefix: ">", final: "c" },
  { prefix: "=", final: "c" },
  { prefix: ">", final: "q" },
  { final: "n" },
  { prefix: "?", final: "n" },
  { intermediates: "$", final: "p" },
  { prefix: "?", intermediates: "$", final: "p" },
  { final: "t" },
];

/** DECRQSS and XTGETTCAP. */
const DCS_QUERIES: readonly IFunctionIdentifier[] = [
  { intermediates: "$", final: "q" },
  { intermediates: "+", final: "q" },
];

/** Palette and colours; they set as well as ask, and ask with a `?`. */
const OSC_COLORS = [4, 10, 11, 12] as const;

/** Passes over queries of which `muted` says so when they are drawn. */
export function muteReplies(xterm: Terminal, muted: () => boolean): void {
  for (const query of CSI_QUERIES) xterm.parser.registerCsiHandler(query, muted);
  for (const query of DCS_QUERIES) xterm.parser.registerDcsHandler(query, muted);
  for (const color of OSC_COLORS) {
    xterm.parser.registerOscHandler(color, (data) => data.includes("?") && muted());
  }
}
