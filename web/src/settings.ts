/** What a person chose for their terminals, kept in this browser. */

const FONT_SIZE = "mc-terminal-font-size";
const SCREEN_READER = "mc-terminal-screen-reader";

/** Font sizes offered, in CSS pixels. */
export const FONT_SIZE_MIN = 8;
export const FONT_SIZE_MAX = 32;
const FONT_SIZE_DEFAULT = 14;

export function loadFontSize(): number {
  return clampFontSize(Number(load(FONT_SIZE) ?? FONT_SIZE_DEFAULT));
}

export function saveFontSize(size: number): void {
  save(FONT_SIZE, String(size));
}

export function clampFontSize(size: number): number {
  if (!Number.isFinite(size)) return FONT_SIZE_DEFAULT;
  return Math.min(FONT_SIZE_MAX, Math.max(FONT_SIZE_MIN, Math.round(size)));
}

export function loadScreenReader(): boolean {
  return load(SCREEN_READER) === "on";
}

export function saveScreenReader(on: boolean): void {
  save(SCREEN_READER, on ? "on" : "off");
}

/** Storage may be forbidden (private windows, policies): the choice then lasts for the page. */
function load(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function save(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // See load.
  }
}
