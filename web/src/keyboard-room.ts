/** Touch keyboards cover the page without resizing it. */

/** Tells the style sheet how much of the page's end is covered, until `signal` aborts. */
export function makeRoomForKeyboard(root: HTMLElement, signal: AbortSignal): void {
  visualViewport?.addEventListener("resize", () => measure(root), { signal });
}

function measure(root: HTMLElement): void {
  const viewport = visualViewport;
  if (viewport === null || viewport.scale > 1.01) return;
  const covered = Math.max(0, innerHeight - viewport.height - viewport.offsetTop);
  root.style.setProperty("--mct-keyboard", `${covered}px`);
}
