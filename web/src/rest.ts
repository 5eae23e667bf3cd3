/** Waits until something has come to rest, and tells of it once. */

import type { After } from "./heartbeat.ts";

export class Rest {
  private cancel: (() => void) | null = null;

  constructor(
    private readonly after: After,
    /** For how long nothing must move, in milliseconds. */
    private readonly rest: number,
    private readonly rested: () => void,
  ) {}

  /** It moved: what was waited for before counts no more. */
  moved(): void {
    this.cancel?.();
    this.cancel = this.after(this.rest, this.rested);
  }

  stop(): void {
    this.cancel?.();
    this.cancel = null;
  }
}
