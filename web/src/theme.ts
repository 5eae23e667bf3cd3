/**
 * The terminal's colours, from the page's custom properties (`--term-*`, with defaults for both
 * themes in mc-terminal.css). xterm needs plain values, so the browser is asked to work them out.
 */

import type { ITheme } from "@xterm/xterm";

/** xterm's names for colours, each with the custom property it comes from. */
const PROPERTIES = {
  foreground: "foreground",
  background: "background",
  cursor: "cursor",
  cursorAccent: "background",
  selectionBackground: "selection",
  selectionInactiveBackground: "selection-inactive",
  scrollbarSliderBackground: "scrollbar",
  scrollbarSliderHoverBackground: "scrollbar-hover",
  scrollbarSliderActiveBackground: "scrollbar-hover",
  overviewRulerBorder: "background",
  black: "black",
  red: "red",
  green: "green",
  yellow: "yellow",
  blue: "blue",
  magenta: "magenta",
  cyan: "cyan",
  white: "white",
  brightBlack: "bright-black",
  brightRed: "bright-red",
  brightGreen: "bright-green",
  brightYellow: "bright-yellow",
  brightBlue: "bright-blue",
  brightMagenta: "bright-magenta",
  brightCyan: "bright-cyan",
  brightWhite: "bright-white",
} as const satisfies Partial<Record<keyof ITheme, string>>;

/** Colours of a match in a search, as `#rrggbb`. */
export interface SearchColors {
  match: string;
  active: string;
}

/** The theme as it is now at `element`. */
export function readTheme(element: HTMLElement): ITheme {
  const entries = Object.entries(PROPERTIES).map(([name, property]) => [
    name,
    resolve(element, `--mct-${property}`),
  ]);
  return Object.fromEntries(entries) as ITheme;
}

export function readSearchColors(element: HTMLElement): SearchColors {
  return {
    match: resolve(element, "--mct-match").slice(0, 7),
    active: resolve(element, "--mct-match-active").slice(0, 7),
  };
}

/** Calls `changed` when the system's or the page's colour scheme changes; the result stops it. */
export function watchTheme(changed: () => void): () => void {
  const query = matchMedia("(prefers-color-scheme: dark)");
  const observer = new MutationObserver(changed);
  query.addEventListener("change", changed);
  observer.observe(document.documentElement, { attributes: true });
  return () => {
    query.removeEventListener("change", changed);
    observer.disconnect();
  };
}

/** A custom property as `#rrggbb` or `#rrggbbaa`, whatever notation the style sheet uses. */
function resolve(element: HTMLElement, property: string): string {
  const probe = document.createElement("span");
  // Mixing makes the computed value `color(srgb r g b / a)`, also for oklch() and light-dark().
  probe.style.color = `color-mix(in srgb, var(${property}), var(${property}))`;
  element.append(probe);
  const computed = getComputedStyle(probe).color;
  probe.remove();
  return toHex(computed);
}

/** `color(srgb 1 0.5 0)`, `color(srgb … / a)` or `rgb(255, 128, 0)` as hex; black if unreadable. */
export function toHex(computed: string): string {
  const numbers = computed.match(/-?[\d.]+(?:e-?\d+)?/g)?.map(Number) ?? [];
  const scale = computed.startsWith("rgb") ? 1 : 255;
  const [red = 0, green = 0, blue = 0, alpha = 1] = numbers;
  const channels = [red * scale, green * scale, blue * scale];
  if (alpha < 1) channels.push(alpha * 255);
  return `#${channels.map(hexByte).join("")}`;
}

function hexByte(value: number): string {
  const byte = Math.round(Math.min(255, Math.max(0, value)));
  return byte.toString(16).padStart(2, "0");
}
