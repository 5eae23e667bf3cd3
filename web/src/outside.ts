/** What a {@link Connection} knows of the world: who is told, and what is given to it. */

import type { Ending, Loss } from "./ending.ts";
import type { After } from "./heartbeat.ts";
import type { Size } from "./protocol.ts";

export type State =
  | { name: "connecting" }
  | { name: "connected" }
  /** `retryAt`: when the next attempt starts, on {@link Environment.now}'s clock. */
  | { name: "reconnecting"; loss: Loss; retryAt: number }
  | { name: "ended"; ending: Ending };

/** Who is told; called in the order things arrive. */
export interface Listener {
  state(state: State): void;
  /** Raw bytes as the PTY gave them; call {@link Connection.parsed} with `end` once drawn. */
  output(bytes: Uint8Array, end: number): void;
  /** Clear the terminal, take this size, draw these bytes; `parsed(end)` as above. */
  snapshot(bytes: Uint8Array, size: Size, end: number): void;
  /**
   * Output before `offset` was made before this page came: what it asks of the terminal (its kind,
   * its cursor) has been answered then, and must not be answered into today's prompt.
   */
  repliesFrom(offset: number): void;
  size(size: Size, owner: boolean): void;
  viewers(count: number): void;
}

/** `WebSocket.OPEN`: neither opening nor closing. */
export const OPEN = 1;

/** The part of a WebSocket that is used. */
export interface Socket {
  /** {@link OPEN} while frames can be sent. */
  readonly readyState: number;
  binaryType: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
}

/** What the outside gives; times in milliseconds. */
export interface Environment {
  /** Opens a socket for output from byte `from` on (`null` on a first attach) at a size. */
  open(from: number | null, size: Size): Socket;
  /** Takes another name for this viewer: another page has attached under the present one. */
  rename(): void;
  /**
   * Asked after repeated failures to open: whether the server refuses, which a browser does not
   * tell of a WebSocket. `null` when the server cannot be reached or would let us in.
   */
  refusal(): Promise<Ending | null>;
  /** Whether nobody is signed in on this site any more; `false` where that cannot be found out. */
  signedOut(): Promise<boolean>;
  now(): number;
  after: After;
  /** Evenly spread in 0..1. */
  random(): number;
}
