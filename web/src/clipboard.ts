/** Copy, also where there is no clipboard API (plain http on a LAN), and what a paste may hold. */

/** Puts `text` on the clipboard; `false` when the browser does not allow it. */
export async function copyText(text: string): Promise<boolean> {
  if (navigator.clipboard !== undefined) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Refused (no permission, page not focused): the older way may still work.
    }
  }
  return copyThroughSelection(text);
}

function copyThroughSelection(text: string): boolean {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.className = "mct-offscreen";
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  return copied;
}

/**
 * Text fit for pasting: escape characters are made visible, so that a page cannot hide keys, or the
 * end of a bracketed paste, in what it lets one copy.
 */
export function sanitizePaste(text: string): string {
  return text.replaceAll("\u001b", "\u241b");
}

/**
 * Whether a paste is to be confirmed: it holds a line break, and the program does not mark pastes,
 * so each line would run at once.
 */
export function needsGuard(text: string, bracketed: boolean): boolean {
  return !bracketed && /[\r\n]/.test(text);
}

/** Lines in `text`, a last line break not counting as one more. */
export function countLines(text: string): number {
  return text.replace(/\r?\n$|\r$/, "").split(/\r\n|\r|\n/).length;
}
