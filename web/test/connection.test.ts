import assert from "node:assert/strict";
import { test } from "node:test";

import { Connection, type Environment, type Socket, type State } from "../src/connection.ts";
import type { Ending } from "../src/ending.ts";
import { UNWRITTEN_MAX } from "../src/input-buffer.ts";
import type { Size } from "../src/protocol.ts";
import * as frames from "./frames.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (words: string): Uint8Array => new TextEncoder().encode(words);

class FakeSocket implements Socket {
  readyState = 1;
  binaryType = "blob";
  onopen = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  closedWith: number | undefined;
  readonly sent: frames.ViewerFrame[] = [];

  constructor(
    readonly from: number | null,
    readonly size: Size,
  ) {}

  send(data: Uint8Array<ArrayBuffer>): void {
    assert.equal(this.readyState, 1, "a frame for a socket that is closing");
    this.sent.push(frames.readViewerFrame(data));
  }

  close(code?: number): void {
    this.closedWith = code;
  }

  receive(...messages: ArrayBuffer[]): void {
    for (const data of messages) this.onmessage?.({ data });
  }

  drop(code = 1006, reason = ""): void {
    this.onclose?.({ code, reason });
  }

  /** What was sent of one kind. */
  all<Kind extends frames.ViewerFrame["kind"]>(kind: Kind): Extract<frames.ViewerFrame, { kind: Kind }>[] {
    return this.sent.filter((frame) => frame.kind === kind) as never;
  }
}

/** A connection with a clock moved by hand. */
class Bench implements Environment {
  readonly sockets: FakeSocket[] = [];
  readonly states: State[] = [];
  readonly heard: string[] = [];
  private time = 0;
  private timers: { at: number; action: () => void }[] = [];
  answer: Ending | null = null;
  asked = 0;
  renamed = 0;
  isSignedOut = false;
  draws = true;
  readonly connection: Connection;

  constructor(size: Size = { cols: 80, rows: 24 }) {
    this.connection = new Connection(
      this,
      {
        state: (state) => this.states.push(state),
        output: (output, end) => {
          this.heard.push(text(output));
          if (this.draws) this.connection.parsed(end);
        },
        snapshot: (output, at, end) => {
          this.heard.push(`[${at.cols}x${at.rows}]${text(output)}`);
          if (this.draws) this.connection.parsed(end);
        },
        repliesFrom: (offset) => this.heard.push(`replies from ${offset}`),
        size: (at, owner) => this.heard.push(`${at.cols}x${at.rows}${owner ? " mine" : ""}`),
        viewers: () => {},
      },
      size,
    );
    this.connection.connect();
  }

  get socket(): FakeSocket {
    return this.sockets.at(-1) as FakeSocket;
  }

  get state(): State {
    return this.connection.state;
  }

  open(from: number | null, size: Size): Socket {
    this.sockets.push(new FakeSocket(from, size));
    return this.socket;
  }

  rename(): void {
    this.renamed += 1;
  }

  refusal(): Promise<Ending | null> {
    this.asked += 1;
    return Promise.resolve(this.answer);
  }

  signedOut(): Promise<boolean> {
    return Promise.resolve(this.isSignedOut);
  }

  now(): number {
    return this.time;
  }

  random(): number {
    return 1;
  }

  after(delay: number, action: () => void): () => void {
    const timer = { at: this.time + delay, action };
    this.timers.push(timer);
    return () => (this.timers = this.timers.filter((other) => other !== timer));
  }

  pass(milliseconds: number): void {
    const end = this.time + milliseconds;
    for (;;) {
      const due = this.timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== due);
      this.time = due.at;
      due.action();
    }
    this.time = end;
  }
}

test("the first attach carries the size and no offset, and is connected at hello", () => {
  const bench = new Bench({ cols: 132, rows: 43 });
  assert.deepEqual([bench.socket.from, bench.socket.size], [null, { cols: 132, rows: 43 }]);
  assert.equal(bench.socket.binaryType, "arraybuffer");
  assert.equal(bench.state.name, "connecting");
  bench.socket.receive(frames.hello({ cols: 132, rows: 43 }));
  assert.equal(bench.state.name, "connected");
  assert.deepEqual(bench.socket.all("resize"), []);
});

test("what comes while a socket closes is kept: input for the next one, acks for nobody", () => {
  const bench = new Bench();
  bench.draws = false;
  bench.socket.receive(frames.hello(), frames.output(0, "abc"));
  bench.socket.readyState = 2;
  bench.connection.parsed(3);
  bench.connection.type(bytes("ls"));
  bench.connection.resize({ cols: 100, rows: 30 });
  bench.connection.takeSize();
  bench.pass(1000);
  bench.socket.drop();
  bench.pass(250);
  bench.socket.receive(frames.hello());
  assert.equal(bench.sockets.length, 2);
  assert.deepEqual(bench.socket.all("input").map((frame) => text(frame.bytes)), ["ls"]);
});

test("output resumes at the byte after the last one, doubles are cut off", () => {
  const bench = new Bench();
  bench.socket.receive(frames.hello(), frames.output(100, "abc"));
  bench.socket.drop();
  bench.pass(250);
  assert.equal(bench.socket.from, 103);
  bench.socket.receive(frames.hello(), frames.output(101, "bcde"), frames.output(101, "bc"));
  assert.deepEqual(bench.heard.filter((line) => /^[a-z]+$/.test(line)), ["abc", "de"]);
});

test("a hole in the output is not drawn over: the viewer attaches again", () => {
  const bench = new Bench();
  bench.socket.receive(frames.hello(), frames.output(0, "ab"), frames.output(5, "x"));
  assert.equal(bench.state.name, "reconnecting");
  bench.pass(250);
  assert.equal(bench.socket.from, 2);
  assert.ok(!bench.heard.includes("x"));
});

test("a snapshot sets the offset from which the stream goes on", () => {
  const bench = new Bench();
  bench.socket.receive(frames.hello(), frames.output(0, "ab"));
  bench.socket.receive(frames.snapshot(9000, 100, 30, "screen"), frames.output(9000, "more"));
  assert.deepEqual(bench.heard.slice(-2), ["[100x30]screen", "more"]);
  bench.socket.drop();
  bench.pass(250);
  assert.equal(bench.socket.from, 9004);
});

test("a snapshot in parts is drawn as one, and is no silence however long it takes", () => {
  const bench = new Bench();
  bench.socket.receive(frames.hello());
  for (let part = 0; part < 10; part += 1) {
    bench.pass(9_000);
    bench.socket.receive(frames.snapshotPart(`${part},`));
  }
  assert.equal(bench.sockets.length, 1);
  bench.socket.receive(frames.snapshot(9000, 100, 30, "end"));
  assert.deepEqual(bench.heard.slice(-1), ["[100x30]0,1,2,3,4,5,6,7,8,9,end"]);
});

test("parts of a snapshot that was cut do not come into the next one", () => {
  const bench = new Bench();
  bench.socket.receive(frames.hello(), frames.snapshotPart("old"));
  bench.socket.drop();
  bench.pass(250);
  bench.socket.receive(frames.hello(), frames.snapshotPart("ne"), frames.snapshot(9, 80, 24, "w"));
  assert.deepEqual(bench.heard.slice(-1), ["[80x24]new"]);
});

test("only on a first attach is old output kept from being answered", () => {
  const bench = new Bench();
  bench.socket.receive(frames.hello({ offset: 700 }), frames.output(0, "ab"));
  bench.socket.drop();
  bench.pass(250);
  bench.socket.receive(frames.hello({ offset: 900 }));
  assert.deepEqual(bench.heard.filter((line) => line.startsWith("replies")), ["replies from 700"]);
});

test("drawn output is acknowledged, small amounts after a moment, large ones at once", () => {
  const bench = new Bench();
  bench.socket.receive(frames.hello(), frames.output(0, "ab"));
  assert.deepEqual(bench.socket.all("ack"), []);
  bench.pass(50);
  assert.deepEqual(bench.socket.all("ack").map((ack) => ack.offset), [2]);
  bench.socket.receive(frames.output(2, new Uint8Array(40_000)));
  assert.deepEqual(bench.socket.all("ack").map((ack) => ack.offset), [2, 40_002]);
});

test("output that is not drawn is not acknowledged", () => {
  const bench = new Bench();
  bench.draws = false;
  bench.socket.receive(frames.hello(), frames.output(0, new Uint8Array(100_000)));
  bench.pass(1000);
  assert.deepEqual(bench.socket.all("ack"), []);
});

test("input typed while away goes out after the next hello, from where the node stands", () => {
  const bench = new Bench();
  bench.connection.type(bytes("early"));
  assert.deepEqual(bench.socket.sent, []);
  bench.socket.receive(frames.hello({ input_offset: 40 }));
  assert.deepEqual(bench.socket.all("input").map((f) => [f.offset, text(f.bytes)]), [[40, "early"]]);
  bench.socket.receive(frames.inputAck(42));
  bench.socket.drop();
  bench.connection.type(bytes("!"));
  bench.pass(250);
  bench.socket.receive(frames.hello({ input_offset: 43 }));
  assert.deepEqual(bench.socket.all("input").map((f) => [f.offset, text(f.bytes)]), [[43, "ly!"]]);
});

test("a paste that the program reads slowly outlives a reconnect: no more is sent than the node has room for", () => {
  const bench = new Bench();
  bench.socket.receive(frames.hello());
  bench.connection.type(new Uint8Array(2 * UNWRITTEN_MAX));
  bench.socket.drop();
  bench.pass(250);
  bench.socket.receive(frames.hello({ input_offset: UNWRITTEN_MAX, input_written: 0 }));
  assert.deepEqual(bench.socket.all("input"), []);
  bench.socket.receive(frames.inputAck(1000));
  const sent = bench.socket.all("input").map((frame) => [frame.offset, frame.bytes.length]);
  assert.deepEqual(sent, [[UNWRITTEN_MAX, 1000]]);
});

test("a shell whose node is just taking it up is tried again at once", () => {
  const bench = new Bench();
  bench.socket.drop(1013, "the node does not have its shells back yet");
  assert.ok(bench.state.name === "reconnecting");
  assert.deepEqual([bench.state.loss, bench.state.retryAt - bench.now()], ["busy", 250]);
});

test("a shell that takes no more input is busy, not lost: it is tried again after 2 s, and all is kept", () => {
  const bench = new Bench();
  bench.socket.receive(frames.hello());
  bench.connection.type(bytes("kept"));
  bench.socket.drop(1013, "the shell's input is full");
  assert.ok(bench.state.name === "reconnecting");
  assert.equal(bench.state.loss, "busy");
  assert.equal(bench.state.retryAt - bench.now(), 2000);
  bench.pass(2000);
  bench.socket.receive(frames.hello());
  assert.deepEqual(bench.socket.all("input").map((frame) => text(frame.bytes)), ["kept"]);
});

test("attempts are 0.25 s apart, doubling to 5 s, until something comes through", () => {
  const bench = new Bench();
  bench.socket.receive(frames.hello());
  const waits: number[] = [];
  for (let attempt = 0; attempt < 7; attempt++) {
    bench.socket.drop();
    assert.ok(bench.state.name === "reconnecting");
    waits.push(bench.state.retryAt - bench.now());
    bench.pass(waits.at(-1) ?? 0);
  }
  assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 5000, 5000]);
  bench.socket.receive(frames.hello(), frames.output(0, "x"));
  bench.socket.drop();
  assert.ok(bench.state.name === "reconnecting");
  assert.equal(bench.state.retryAt - bench.now(), 250);
});

test("waking up tries at once", () => {
  const bench = new Bench();
  bench.socket.drop();
  bench.connection.wake();
  assert.equal(bench.sockets.length, 2);
  bench.connection.wake();
  assert.equal(bench.sockets.length, 2);
  bench.socket.receive(frames.hello());
  bench.connection.wake();
  assert.equal(bench.socket.all("ping").length, 1);
});

test("waking up or trying now gives up an attempt that hangs for a second, and one at once", () => {
  const bench = new Bench();
  bench.pass(999);
  bench.connection.wake();
  assert.equal(bench.sockets.length, 1, "it may yet come");
  bench.pass(1);
  bench.connection.wake();
  assert.equal(bench.sockets.length, 2);
  assert.ok(bench.sockets[0]?.closedWith !== undefined);
  bench.pass(1000);
  bench.connection.tryNow();
  assert.equal(bench.sockets.length, 3);
  bench.socket.receive(frames.hello());
  bench.pass(5000);
  bench.connection.tryNow();
  assert.equal(bench.sockets.length, 3, "one that is connected stays");
  assert.equal(bench.state.name, "connected");
});

test("after waking up a dead connection is found within 3 s, however often one wakes", () => {
  const bench = new Bench();
  bench.socket.receive(frames.hello());
  bench.pass(15_000);
  assert.equal(bench.socket.all("ping").length, 1, "a ping is under way");
  bench.connection.wake();
  bench.pass(2_000);
  bench.connection.wake();
  bench.pass(999);
  assert.equal(bench.state.name, "connected");
  bench.pass(1);
  assert.equal(bench.state.name, "reconnecting");
});

test("after waking up a slow line that brings something has its usual time to answer", () => {
  const bench = new Bench();
  bench.socket.receive(frames.hello());
  bench.connection.wake();
  bench.pass(2_000);
  bench.socket.receive(frames.output(0, "slowly"));
  bench.pass(9_999);
  assert.equal(bench.state.name, "connected");
  bench.pass(1);
  assert.equal(bench.state.name, "reconnecting");
});

test("a socket that never says hello is given up after 10 s", () => {
  const bench = new Bench();
  bench.pass(9_999);
  assert.equal(bench.state.name, "connecting");
  bench.pass(1);
  assert.equal(bench.state.name, "reconnecting");
  assert.ok(bench.sockets[0]?.closedWith !== undefined);
});

test("a ping every 15 s; without a pong for 10 s the connection is lost", () => {
  const bench = new Bench();
  bench.socket.receive(frames.hello());
  bench.pass(15_000);
  const ping = bench.socket.all("ping")[0];
  assert.ok(ping !== undefined);
  bench.socket.receive(frames.pong(ping.token));
  bench.pass(15_000);
  assert.equal(bench.socket.all("ping").length, 2);
  bench.pass(9_999);
  assert.equal(bench.state.name, "connected");
  bench.pass(1);
  assert.equal(bench.state.name, "reconnecting");
});

test("a slow line that brings something is not lost while the pong is behind it", () => {
  const bench = new Bench();
  bench.socket.receive(frames.hello());
  bench.pass(15_000);
  for (let offset = 0; offset < 5; offset++) {
    bench.pass(9_000);
    bench.socket.receive(frames.output(offset, "x"));
  }
  assert.equal(bench.socket.all("ping").length, 1);
  bench.pass(9_999);
  assert.equal(bench.state.name, "connected");
  bench.pass(1);
  assert.equal(bench.state.name, "reconnecting");
});

test("the node's ping is answered at once", () => {
  const bench = new Bench();
  bench.socket.receive(frames.hello(), frames.ping(7));
  assert.deepEqual(bench.socket.all("pong"), [{ kind: "pong", token: 7 }]);
});

/** What a viewer sends under its new name, after one whose name another page has taken. */
function sentAfterRename(type: (bench: Bench) => void): [number, string][] {
  const bench = new Bench();
  bench.socket.receive(frames.hello({ input_offset: 3 }));
  type(bench);
  bench.socket.drop(4409);
  bench.connection.type(bytes("later"));
  bench.pass(5_000);
  assert.equal(bench.renamed, 1);
  bench.socket.receive(frames.hello());
  return bench.socket.all("input").map((frame) => [frame.offset, text(frame.bytes)]);
}

test("a viewer whose name another page has taken comes back under a new one, and types what was refused", () => {
  const refused = sentAfterRename((bench) => {
    bench.connection.type(bytes("ran"));
    bench.socket.receive(frames.inputAck(6));
    bench.connection.type(bytes("refused "));
    bench.socket.readyState = 2;
    bench.connection.type(bytes("closing "));
  });
  assert.deepEqual(refused, [[0, "refused closing later"]]);
});

test("under a new name nothing is typed twice: of several frames one may have been taken", () => {
  const several = sentAfterRename((bench) => {
    bench.connection.type(bytes("maybe taken"));
    bench.connection.type(bytes("refused"));
  });
  assert.deepEqual(several, [[0, "later"]]);
  const partly = sentAfterRename((bench) => {
    bench.connection.type(bytes("taken"));
    bench.socket.receive(frames.inputAck(5));
  });
  assert.deepEqual(partly, [[0, "later"]]);
});

test("under a new name nothing is typed twice: what an earlier socket carried may have been taken late", () => {
  const resent = sentAfterRename((bench) => {
    bench.connection.type(bytes("resent"));
    bench.socket.drop();
    bench.pass(250);
    bench.socket.receive(frames.hello({ input_offset: 3 }));
  });
  assert.deepEqual(resent, [[0, "later"]]);
});

test("the node's words of why a shell is gone are told", () => {
  const bench = new Bench();
  bench.socket.receive(frames.hello());
  bench.socket.drop(4004, "the engine was restarted");
  assert.ok(bench.state.name === "ended");
  assert.deepEqual(bench.state.ending, { kind: "shell_not_found", why: "the engine was restarted" });
});

test("a node that knows nothing of a shell tells nothing of why it is gone", () => {
  const bench = new Bench();
  bench.socket.drop(4004, "it has ended");
  assert.deepEqual(bench.state, { name: "ended", ending: { kind: "shell_not_found" } });
});

test("why access has ended is told, but for words that say no more", () => {
  const reasons = { "the VM was deleted": "the VM was deleted", "access was taken back": undefined, "": undefined };
  for (const [reason, why] of Object.entries(reasons)) {
    const bench = new Bench();
    bench.socket.drop(4003, reason);
    assert.ok(bench.state.name === "ended" && bench.state.ending.kind === "revoked");
    assert.equal(bench.state.ending.why, why);
  }
});

test("only who is signed out by then is told to sign in", async () => {
  for (const isSignedOut of [true, false]) {
    const bench = new Bench();
    bench.isSignedOut = isSignedOut;
    bench.socket.drop(4003, "access was taken back");
    await Promise.resolve();
    assert.ok(bench.state.name === "ended" && bench.state.ending.kind === "revoked");
    assert.equal(bench.state.ending.signInHelps ?? false, isSignedOut);
  }
});

test("a full house is no end for good: asked again, it may let one in", () => {
  const bench = new Bench();
  bench.socket.drop(4429);
  assert.equal(bench.state.name, "ended");
  bench.connection.again();
  assert.deepEqual([bench.state.name, bench.sockets.length], ["connecting", 2]);
  bench.socket.receive(frames.hello());
  assert.equal(bench.state.name, "connected");
});

test("each close code ends or comes back as the protocol says", () => {
  const endings: Record<number, string> = {
    4001: "exited",
    4003: "revoked",
    4004: "shell_not_found",
    4010: "vm_stopped",
    4400: "malformed",
    4429: "too_many_viewers",
  };
  for (const [code, kind] of Object.entries(endings)) {
    const bench = new Bench();
    bench.socket.receive(frames.hello());
    bench.socket.drop(Number(code));
    assert.ok(bench.state.name === "ended", code);
    assert.equal(bench.state.ending.kind, kind);
    bench.pass(60_000);
    assert.equal(bench.sockets.length, 1, `${code} does not come back`);
  }
  const losses: Record<number, string> = {
    1000: "network",
    1006: "network",
    1012: "restart",
    1013: "busy",
    4408: "network",
    4503: "node_unreachable",
  };
  for (const [code, loss] of Object.entries(losses)) {
    const bench = new Bench();
    bench.socket.drop(Number(code));
    assert.ok(bench.state.name === "reconnecting", code);
    assert.equal(bench.state.loss, loss);
  }
});

test("what was told of an outage stays its reason while nobody answers, until the next hello", () => {
  for (const [code, told] of [[1012, "restart"], [4503, "node_unreachable"]] as const) {
    const bench = new Bench();
    bench.socket.receive(frames.hello());
    bench.socket.drop(code);
    for (const again of [1006, 1006, 4408]) {
      bench.pass(5_000);
      bench.socket.drop(again);
      assert.ok(bench.state.name === "reconnecting");
      assert.equal(bench.state.loss, told);
    }
    bench.pass(5_000);
    bench.socket.receive(frames.hello());
    bench.socket.drop();
    assert.ok(bench.state.name === "reconnecting");
    assert.equal(bench.state.loss, "network", "another outage");
  }
});

test("of two reasons that were told the later one counts, and who was only busy has answered", () => {
  for (const [first, second, loss] of [
    [1012, 4503, "node_unreachable"],
    [4503, 1012, "restart"],
    [1012, 1013, "busy"],
    [1013, 1006, "network"],
  ] as const) {
    const bench = new Bench();
    bench.socket.drop(first);
    bench.pass(5_000);
    bench.socket.drop(second);
    assert.ok(bench.state.name === "reconnecting");
    assert.equal(bench.state.loss, loss, `${first}, then ${second}`);
  }
});

test("the exit code is kept, even when the socket breaks right after it", () => {
  for (const code of [4001, 1006]) {
    const bench = new Bench();
    bench.socket.receive(frames.hello(), frames.exit(42));
    bench.socket.drop(code);
    assert.deepEqual(bench.state, { name: "ended", ending: { kind: "exited", code: 42 } });
  }
});

test("a VM that stops is told as such, although its shell exited too", () => {
  const bench = new Bench();
  bench.socket.receive(frames.hello(), frames.exit(129));
  bench.socket.drop(4010);
  assert.deepEqual(bench.state, { name: "ended", ending: { kind: "vm_stopped" } });
});

test("a malformed frame, a text message, a frame before hello: closed with 4400, for good", () => {
  const bad: unknown[] = [Uint8Array.of(0x01, 0).buffer, "text"];
  for (const data of bad) {
    const bench = new Bench();
    bench.socket.receive(frames.hello());
    const { socket } = bench;
    socket.onmessage?.({ data });
    assert.equal(socket.closedWith, 4400);
    assert.deepEqual(bench.state, { name: "ended", ending: { kind: "malformed" } });
  }
  const early = new Bench();
  early.socket.receive(frames.output(0, "x"));
  assert.equal(early.sockets[0]?.closedWith, 4400);
});

test("another version of the protocol asks for a reload", () => {
  const bench = new Bench();
  bench.socket.receive(frames.hello({ version: 2 }));
  assert.deepEqual(bench.state, { name: "ended", ending: { kind: "version" } });
});

test("each viewer's own size is told, whoever's is shown, and only when it changed", () => {
  const bench = new Bench();
  bench.socket.receive(frames.hello({ owner: false, cols: 100, rows: 30 }));
  bench.connection.resize({ cols: 80, rows: 24 });
  assert.deepEqual(bench.socket.all("resize"), [], "the attachment has told it");
  bench.connection.resize({ cols: 90, rows: 20 });
  bench.connection.resize({ cols: 90, rows: 20 });
  bench.socket.receive(frames.size(110, 30, false), frames.size(90, 20, true));
  assert.deepEqual(bench.socket.all("resize"), [{ kind: "resize", cols: 90, rows: 20 }]);
  // The echo of that, and of a size in between, is no reason to send again.
  bench.connection.resize({ cols: 91, rows: 20 });
  bench.socket.receive(frames.size(90, 20, true), frames.size(91, 20, true));
  assert.equal(bench.socket.all("resize").length, 2);
});

test("a size that changed while away is told by the next attachment, a later one after its hello", () => {
  const bench = new Bench();
  bench.socket.receive(frames.hello());
  bench.socket.drop();
  bench.connection.resize({ cols: 60, rows: 20 });
  bench.pass(250);
  assert.deepEqual(bench.socket.size, { cols: 60, rows: 20 });
  bench.connection.resize({ cols: 50, rows: 20 });
  assert.deepEqual(bench.socket.all("resize"), []);
  bench.socket.receive(frames.hello({ cols: 60, rows: 20 }));
  assert.deepEqual(bench.socket.all("resize"), [{ kind: "resize", cols: 50, rows: 20 }]);
});

test("after three failures the server is asked for its reason, and believed", async () => {
  const bench = new Bench();
  bench.answer = { kind: "revoked" };
  for (let failure = 0; failure < 3; failure++) {
    assert.equal(bench.asked, 0);
    bench.socket.drop();
    if (failure < 2) bench.pass(5_000);
  }
  assert.equal(bench.asked, 1);
  await Promise.resolve();
  assert.deepEqual(bench.state, { name: "ended", ending: { kind: "revoked" } });
  bench.pass(60_000);
  assert.equal(bench.sockets.length, 3);
});

test("leaving the page closes the socket and starts no other", () => {
  const bench = new Bench();
  bench.socket.receive(frames.hello());
  bench.connection.close();
  assert.equal(bench.socket.closedWith, 1000);
  bench.pass(60_000);
  assert.equal(bench.sockets.length, 1);
});
