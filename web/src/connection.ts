/**
 * One viewer's attachment to a shell, across as many sockets as it takes: opens, resumes output by
 * offset, sends input exactly once, acknowledges, pings, and comes back after a loss. Knows nothing
 * of the page; sockets, clock and chance come in as arguments, so tests drive it by hand.
 */

import { Acks } from "./acks.ts";
import { type Ending, type Loss, endingOf, lossAfter, lossOf } from "./ending.ts";
import { type After, Heartbeat } from "./heartbeat.ts";
import { InputBuffer } from "./input-buffer.ts";
import { type Environment, type Listener, OPEN, type Socket, type State } from "./outside.ts";
import * as protocol from "./protocol.ts";
import type { Hello, NodeFrame, Size } from "./protocol.ts";
import { Retry } from "./retry.ts";

export type { Environment, Listener, Socket, State } from "./outside.ts";

/** Another viewer has attached under this one's name, as after "duplicate tab". */
const REPLACED = 4409;

/** A socket that does not say hello by then counts as lost. */
const HELLO_DEADLINE_MS = 10_000;
/** An attempt older than this hangs, and a new one is better when somebody asks for it. */
const FRESH_MS = 1_000;

export class Connection {
  private socket: Socket | null = null;
  private current: State = { name: "connecting" };
  private readonly input = new InputBuffer();
  /** Offset of the next output byte; `null` until the first one has come. */
  private next: number | null = null;
  /** What the node has as this viewer's size, from the attachment on. */
  private told: Size;
  private greeted = false;
  /** What has come of a snapshot, in order. */
  private parts: Uint8Array[] = [];
  /** When the present socket was opened. */
  private openedAt = 0;
  private exitCode: number | null = null;
  /** Why it is away, as far as that was told since the last hello. */
  private loss: Loss | null = null;
  private readonly acks: Acks;
  private readonly heartbeat: Heartbeat;
  private readonly retry: Retry;
  private cancelDeadline: (() => void) | null = null;

  constructor(
    private readonly environment: Environment,
    private readonly listener: Listener,
    private wanted: Size,
  ) {
    this.told = wanted;
    const after: After = (delay, action) => environment.after(delay, action);
    this.acks = new Acks(after, (offset) => this.send(protocol.encodeAck(offset)));
    this.heartbeat = new Heartbeat(
      after,
      (token) => this.send(protocol.encodePing(token)),
      () => this.lose(1006),
    );
    this.retry = new Retry(after, () => environment.random(), () => this.connect());
  }

  get state(): State {
    return this.current;
  }

  /** Opens a socket now, unless there is one. */
  connect(): void {
    if (this.socket !== null || this.current.name === "ended") return;
    this.retry.cancel();
    const socket = this.environment.open(this.next, this.wanted);
    this.told = this.wanted;
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => this.received(event.data);
    socket.onclose = (event) => this.closed(event.code, event.reason);
    this.socket = socket;
    this.openedAt = this.environment.now();
    this.greeted = false;
    this.cancelDeadline = this.environment.after(HELLO_DEADLINE_MS, () => this.lose(1006));
  }

  /** The network may be back, or the page is looked at again: find out at once. */
  wake(): void {
    if (this.current.name === "connected") this.heartbeat.probe();
    else this.tryNow();
  }

  /** Tries at once: an attempt that hangs is given up for a new one. */
  tryNow(): void {
    const age = this.environment.now() - this.openedAt;
    if (this.socket !== null && !this.greeted && age >= FRESH_MS) this.leave(4000);
    this.connect();
  }

  /** Comes back after an ending that may have passed, such as a full house. */
  again(): void {
    if (this.current.name !== "ended") return;
    this.become({ name: "connecting" });
    this.connect();
  }

  /** Leaves without ending anything: the page goes away, or another shell is shown. */
  close(): void {
    this.leave(1000);
    this.retry.cancel();
  }

  /** Typed bytes; kept and sent after a reconnect if need be. `false`: too much is waiting. */
  type(bytes: Uint8Array): boolean {
    if (this.current.name === "ended") return true;
    const taken = this.input.push(bytes);
    this.sendInput();
    return taken;
  }

  /** The window's size; the node keeps it of each viewer, for when the size is theirs. */
  resize(size: Size): void {
    this.wanted = { cols: protocol.clampSize(size.cols), rows: protocol.clampSize(size.rows) };
    this.tellSize();
  }

  takeSize(): void {
    if (this.greeted) this.send(protocol.encodeTakeSize());
  }

  /** The terminal has drawn all output before `end`. */
  parsed(end: number): void {
    this.acks.drawn(end);
  }

  private received(data: unknown): void {
    let frame: NodeFrame | null;
    try {
      if (!(data instanceof ArrayBuffer)) throw new protocol.MalformedFrame("a text message");
      frame = protocol.decode(data);
      if (frame !== null && !this.greeted && frame.kind !== "hello") {
        throw new protocol.MalformedFrame(`${frame.kind} before hello`);
      }
    } catch (error) {
      if (!(error instanceof protocol.MalformedFrame)) throw error;
      this.leave(4400);
      this.end({ kind: "malformed" });
      return;
    }
    this.heartbeat.heard();
    if (frame !== null) this.handle(frame);
  }

  private handle(frame: NodeFrame): void {
    switch (frame.kind) {
      case "hello":
        return this.greet(frame.hello);
      case "output":
        return this.output(frame.offset, frame.bytes);
      case "snapshot":
        return this.snapshot(frame);
      case "snapshot_part":
        // However long it takes, this is progress.
        this.retry.worked();
        this.parts.push(frame.bytes);
        return;
      case "input_ack":
        this.input.ack(frame.offset);
        this.retry.worked();
        return this.sendInput();
      case "size":
        return this.sized(frame, frame.owner);
      case "exit":
        this.exitCode = frame.code;
        return;
      case "ping":
        return this.send(protocol.encodePong(frame.token));
      case "pong":
        if (this.heartbeat.pong(frame.token)) this.retry.worked();
        return;
      case "viewers":
        return this.listener.viewers(frame.count);
    }
  }

  private greet(hello: Hello): void {
    if (hello.version !== 1) {
      this.leave(1000);
      return this.end({ kind: "version" });
    }
    this.greeted = true;
    this.loss = null;
    this.acks.start();
    this.input.resume(hello.input_offset, hello.input_written);
    this.become({ name: "connected" });
    this.heartbeat.start();
    if (this.next === null) this.listener.repliesFrom(hello.offset);
    this.sized(hello, hello.owner);
    this.tellSize();
    this.listener.viewers(hello.viewers);
    this.sendInput();
  }

  /** Draws what is new of these bytes; a hole in the stream is a reason to attach again. */
  private output(offset: number, bytes: Uint8Array): void {
    const next = this.next ?? offset;
    if (offset > next) return this.lose(1006);
    const end = offset + bytes.length;
    if (end <= next && this.next !== null) return;
    if (this.next === null) this.acks.beginAt(offset);
    this.next = end;
    this.retry.worked();
    this.listener.output(bytes.subarray(next - offset), end);
  }

  private snapshot(frame: { offset: number; bytes: Uint8Array } & Size): void {
    this.next = frame.offset;
    this.acks.snapshotAt(frame.offset);
    const size = { cols: protocol.clampSize(frame.cols), rows: protocol.clampSize(frame.rows) };
    const bytes = joined([...this.parts, frame.bytes]);
    this.parts = [];
    this.listener.snapshot(bytes, size, frame.offset);
  }

  private sized({ cols, rows }: Size, owner: boolean): void {
    this.listener.size({ cols: protocol.clampSize(cols), rows: protocol.clampSize(rows) }, owner);
  }

  private tellSize(): void {
    if (!this.greeted || sameSize(this.wanted, this.told)) return;
    this.told = this.wanted;
    this.send(protocol.encodeResize(this.wanted));
  }

  private sendInput(): void {
    // What a closing socket would not take counts as never sent.
    if (!this.greeted || this.socket?.readyState !== OPEN) return;
    for (const { offset, bytes } of this.input.take()) {
      this.send(protocol.encodeInput(offset, bytes));
    }
  }

  /**
   * A socket that closes takes no frames any more, before its close event comes: nothing is lost,
   * input stays kept until the node has it, and sizes and acks start anew with the next socket.
   */
  private send(frame: Uint8Array<ArrayBuffer>): void {
    if (this.socket?.readyState === OPEN) this.socket.send(frame);
  }

  /** Gives up on the present socket and treats it as closed with `code`. */
  private lose(code: number): void {
    this.leave(4000);
    this.closed(code, "");
  }

  /** Lets go of the socket so that nothing more of it is heard. */
  private leave(code: number): void {
    const socket = this.socket;
    this.forgetSocket();
    if (socket === null) return;
    socket.onmessage = socket.onclose = null;
    socket.close(code);
  }

  private forgetSocket(): void {
    this.socket = null;
    this.greeted = false;
    this.parts = [];
    this.heartbeat.stop();
    this.acks.stop();
    this.cancelDeadline?.();
    this.cancelDeadline = null;
  }

  private closed(code: number, reason: string): void {
    const wasIn = this.greeted;
    this.forgetSocket();
    if (code === REPLACED) {
      this.environment.rename();
      this.input.restart();
    }
    const ending = endingOf(code, reason);
    if (this.exitCode !== null && (ending === null || ending.kind === "exited")) {
      return this.end({ kind: "exited", code: this.exitCode });
    }
    if (ending !== null) {
      this.end(ending);
      if (ending.kind === "revoked") void this.askWhetherSignedOut(ending);
      return;
    }
    const loss = lossAfter(this.loss, lossOf(code));
    this.loss = loss;
    const delay = this.retry.plan(loss === "busy" && wasIn);
    this.become({ name: "reconnecting", loss, retryAt: this.environment.now() + delay });
    if (this.retry.asksWhy) void this.askForRefusal();
  }

  private async askForRefusal(): Promise<void> {
    const ending = await this.environment.refusal();
    if (ending === null || this.current.name !== "reconnecting") return;
    this.close();
    this.end(ending);
  }

  /** A right also ends with the session, maybe in another tab: only then signing in helps. */
  private async askWhetherSignedOut(ending: Ending): Promise<void> {
    const signedOut = await this.environment.signedOut();
    const { current } = this;
    if (!signedOut || current.name !== "ended" || current.ending !== ending) return;
    this.end({ kind: "revoked", signInHelps: true });
  }

  private end(ending: Ending): void {
    this.become({ name: "ended", ending });
  }

  private become(state: State): void {
    if (state.name === "connected") this.cancelDeadline?.();
    this.current = state;
    this.listener.state(state);
  }
}

function joined(parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function sameSize(a: Size, b: Size): boolean {
  return a.cols === b.cols && a.rows === b.rows;
}
