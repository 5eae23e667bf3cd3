/**
 * The name of this viewer across reloads: 16 hex digits in `sessionStorage`. It is taken out of the
 * storage while the page lives and put back when it goes, because "duplicate tab" copies the
 * storage, and two pages under one name would eat each other's input.
 */

const PREFIX = "mc-client:";

export function newClientId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The id for `shell` that the page before a reload left, or a new one. */
export function takeClientId(shell: string): string {
  let left: string | null = null;
  try {
    left = sessionStorage.getItem(PREFIX + shell);
    sessionStorage.removeItem(PREFIX + shell);
  } catch {
    // No storage here: a reload is a new viewer, which costs only input that was still on its way.
  }
  return left !== null && /^[0-9a-f]{16}$/.test(left) ? left : newClientId();
}

export function leaveClientId(shell: string, id: string): void {
  try {
    sessionStorage.setItem(PREFIX + shell, id);
  } catch {
    // As above.
  }
}
