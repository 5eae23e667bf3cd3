/** Tells the node how far its output has been drawn: much at once, a little after a moment. */

import type { After } from "./heartbeat.ts";

/** Drawn bytes are acknowledged when they are this many, or after the delay. */
const ACK_BYTES = 32 * 1024;
const ACK_DELAY_MS = 50;

export class Acks {
  private drawnTo = 0;
  private ackedTo = 0;
  /** Whether there is a node to tell. */
  private on = false;
  private cancel: (() => void) | null = null;

  constructor(
    private readonly after: After,
    private readonly send: (offset: number) => void,
  ) {}

  /** A socket begins: of what was drawn before, the node knows. */
  start(): void {
    this.on = true;
    this.ackedTo = this.drawnTo;
  }

  stop(): void {
    this.on = false;
    this.cancel?.();
    this.cancel = null;
  }

  /** The first output of all begins here. */
  beginAt(offset: number): void {
    this.drawnTo = this.ackedTo = offset;
  }

  /** A snapshot stands for all before `offset`: it is yet to be drawn. */
  snapshotAt(offset: number): void {
    this.drawnTo = this.ackedTo = Math.min(this.drawnTo, offset);
  }

  /** The terminal has drawn all output before `end`. */
  drawn(end: number): void {
    this.drawnTo = Math.max(this.drawnTo, end);
    if (this.drawnTo - this.ackedTo >= ACK_BYTES) this.tell();
    else this.cancel ??= this.after(ACK_DELAY_MS, () => this.tell());
  }

  private tell(): void {
    this.cancel?.();
    this.cancel = null;
    if (!this.on || this.drawnTo <= this.ackedTo) return;
    this.ackedTo = this.drawnTo;
    this.send(this.drawnTo);
  }
}
