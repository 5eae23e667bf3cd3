/** When to try again after a loss: soon, then ever later, until something comes through. */

import type { After } from "./heartbeat.ts";

const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 5_000;
/** For who was let in and put out again: a program that does not read will hardly read a moment later. */
const RETRY_BUSY_MS = 2_000;
/** The server is asked for its reason after this many failures in a row, and as many more. */
const FAILURES_BEFORE_ASKING = 3;

export class Retry {
  private failures = 0;
  private cancelNext: (() => void) | null = null;

  constructor(
    private readonly after: After,
    private readonly random: () => number,
    private readonly attempt: () => void,
  ) {}

  /** Counts a failure and plans the next attempt; in how many milliseconds that is. */
  plan(putOut: boolean): number {
    this.failures += 1;
    const first = putOut ? RETRY_BUSY_MS : RETRY_FIRST_MS;
    const doubled = first * 2 ** Math.min(this.failures - 1, 10);
    // Spread over the upper half, so that a room full of pages does not return in one instant.
    const delay = Math.min(RETRY_MAX_MS, doubled) * (0.5 + this.random() / 2);
    this.cancelNext = this.after(delay, this.attempt);
    return delay;
  }

  cancel(): void {
    this.cancelNext?.();
    this.cancelNext = null;
  }

  /** Something came through: the next failure is a first one. */
  worked(): void {
    this.failures = 0;
  }

  /** Whether it has failed so often that the server is to be asked why. */
  get asksWhy(): boolean {
    return this.failures % FAILURES_BEFORE_ASKING === 0;
  }
}
