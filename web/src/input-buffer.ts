/**
 * What was typed and may still have to be sent: the client's half of "input, exactly once".
 * Every byte has an offset in this client's input stream. Bytes stay here until the node has
 * acknowledged them; after a reconnect the node says where it stands and the rest goes out again.
 */

import { INPUT_FRAME_MAX } from "./protocol.ts";

/** Most bytes sent and not yet written to the PTY (the protocol's limit). */
export const UNWRITTEN_MAX = 1024 * 1024;
/** Most bytes kept altogether: a paste larger than this is refused as a whole. */
export const BUFFER_MAX = 16 * 1024 * 1024;

/** Bytes to send as one input frame. */
export interface InputChunk {
  offset: number;
  bytes: Uint8Array;
}

export class InputBuffer {
  /** Bytes from `taken` on, as they were typed; never split or joined in place. */
  private pieces: Uint8Array[] = [];
  /** The node has everything before this offset and sees to it; nothing of it is sent again. */
  private taken = 0;
  /** Everything before this offset has reached the PTY: at most `taken`, and less while a program does not read. */
  private written = 0;
  /** Everything before this offset has been sent on the present socket. */
  private sent = 0;
  /** Everything before this offset has been sent on some socket: its fate may be unknown. */
  private everSent = 0;
  /** Where the last frame begins, if nothing of it had ever been sent before. */
  private lastFrame: number | null = null;
  private end = 0;

  /** Bytes that wait for an acknowledgement or for being sent. */
  get size(): number {
    return this.end - this.taken;
  }

  /** Takes what was typed; `false` when there is no room, and then nothing of it is taken. */
  push(bytes: Uint8Array): boolean {
    if (this.size + bytes.length > BUFFER_MAX) return false;
    if (bytes.length > 0) this.pieces.push(bytes);
    this.end += bytes.length;
    return true;
  }

  /** The next chunks that may go out now; they count as sent. */
  take(): InputChunk[] {
    const chunks: InputChunk[] = [];
    const limit = Math.min(this.end, this.written + UNWRITTEN_MAX);
    while (this.sent < limit) {
      const bytes = this.slice(this.sent, Math.min(limit, this.sent + INPUT_FRAME_MAX));
      chunks.push({ offset: this.sent, bytes });
      this.lastFrame = this.sent >= this.everSent ? this.sent : null;
      this.sent += bytes.length;
    }
    this.everSent = Math.max(this.everSent, this.sent);
    return chunks;
  }

  /** Forgets what has reached the PTY. An acknowledgement of bytes never sent is ignored. */
  ack(offset: number): void {
    if (offset <= this.written || offset > this.sent) return;
    this.written = offset;
    if (offset > this.taken) this.drop(offset);
  }

  /**
   * A new socket: the node has taken everything before `offset`, and passed what is before `written`
   * to the PTY: how much more it has room for. The rest is to be sent again. If `offset` is not one
   * this buffer can go on from (the page is new, or the node lost count), only bytes that never left
   * this page are kept, under new offsets: a command that may have run already is not sent twice.
   */
  resume(offset: number, written = offset): void {
    if (offset < this.taken || offset > this.everSent) this.renumber(offset);
    else this.drop(offset);
    this.sent = offset;
    this.written = Math.min(written, offset);
  }

  /**
   * The node has refused a frame, since another page has this viewer's name; under a new one its stream begins
   * at 0. Where one frame alone was unacknowledged, it was that one, and goes out again. Of several an earlier
   * one may have run already: nothing of them does, since the rest without it is another command.
   */
  restart(): void {
    if (this.lastFrame === this.taken) this.everSent = this.taken;
    this.renumber(0);
    this.sent = this.written = 0;
  }

  private renumber(offset: number): void {
    this.drop(this.everSent);
    const kept = this.size;
    this.taken = offset;
    this.everSent = offset;
    this.end = offset + kept;
  }

  private drop(offset: number): void {
    let count = offset - this.taken;
    while (count > 0) {
      const first = this.pieces[0];
      if (first === undefined) break;
      if (first.length <= count) this.pieces.shift();
      else this.pieces[0] = first.subarray(count);
      count -= Math.min(count, first.length);
    }
    this.taken = offset;
  }

  private slice(from: number, to: number): Uint8Array {
    const result = new Uint8Array(to - from);
    let at = this.taken;
    for (const piece of this.pieces) {
      const start = Math.max(from, at);
      const stop = Math.min(to, at + piece.length);
      if (start < stop) result.set(piece.subarray(start - at, stop - at), start - from);
      at += piece.length;
      if (at >= to) break;
    }
    return result;
  }
}
