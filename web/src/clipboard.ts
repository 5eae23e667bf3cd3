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

/** All control characters but tabs and line breaks. */
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;

/**
 * Text fit for pasting: control characters are made visible, so that a page cannot hide keys, or the end
 * of a bracketed paste, in what it lets one copy. The line discipline acts on some even inside brackets, and a
 * shell's line editor runs a line on others than a line break.
 */
export function sanitizePaste(text: string): string {
  return text.replace(CONTROLS, visible);
}

/** Unicode has pictures of the older control characters alone. */
function visible(control: string): string {
  const code = control.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "\u2421" : "\ufffd";
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
