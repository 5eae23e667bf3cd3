import assert from "node:assert/strict";
import { test } from "node:test";

import * as protocol from "../src/protocol.ts";
import * as frames from "./frames.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

test("output carries its offset and exactly its bytes, invalid UTF-8 included", () => {
  const bytes = Uint8Array.of(0xff, 0x00, 0xc3);
  const frame = protocol.decode(frames.output(2 ** 40 + 7, bytes));
  assert.deepEqual(frame, { kind: "output", offset: 2 ** 40 + 7, bytes });
});

test("a snapshot carries offset, size and bytes", () => {
  const frame = protocol.decode(frames.snapshot(300_000, 132, 43, "$ "));
  assert.ok(frame?.kind === "snapshot");
  assert.deepEqual([frame.offset, frame.cols, frame.rows], [300_000, 132, 43]);
  assert.equal(text(frame.bytes), "$ ");
});

test("the small frames are read", () => {
  assert.deepEqual(protocol.decode(frames.inputAck(9)), { kind: "input_ack", offset: 9 });
  assert.deepEqual(protocol.decode(frames.size(500, 1, true)), {
    kind: "size",
    cols: 500,
    rows: 1,
    owner: true,
  });
  assert.deepEqual(protocol.decode(frames.exit(-1)), { kind: "exit", code: -1 });
  assert.deepEqual(protocol.decode(frames.pong(3)), { kind: "pong", token: 3 });
  assert.deepEqual(protocol.decode(frames.viewers(2)), { kind: "viewers", count: 2 });
});

test("hello is read with all its fields", () => {
  const frame = protocol.decode(frames.hello({ offset: 5, input_offset: 6, owner: false }));
  assert.ok(frame?.kind === "hello");
  assert.deepEqual([frame.hello.offset, frame.hello.input_offset, frame.hello.owner], [5, 6, false]);
});

test("how much of the input is written is told by newer nodes alone", () => {
  const written = (hello: ArrayBuffer): unknown => {
    const frame = protocol.decode(hello);
    return frame?.kind === "hello" ? frame.hello.input_written : null;
  };
  assert.equal(written(frames.hello({ input_offset: 6, input_written: 4 })), 4);
  assert.equal(written(frames.hello({ input_offset: 6 })), undefined);
  assert.throws(() => protocol.decode(frames.hello({ input_written: -1 })), protocol.MalformedFrame);
});

test("an unknown kind is passed over", () => {
  assert.equal(protocol.decode(Uint8Array.of(0x7e, 1, 2).buffer), null);
});

test("every known kind with a body too short is malformed, at every length", () => {
  const whole = [
    frames.output(1, ""),
    frames.snapshot(1, 80, 24, ""),
    frames.inputAck(1),
    frames.size(80, 24, true),
    frames.exit(0),
    frames.pong(1),
    frames.viewers(1),
    frames.ping(1),
  ];
  for (const frame of whole) {
    assert.doesNotThrow(() => protocol.decode(frame));
    for (let length = 1; length < frame.byteLength; length++) {
      assert.throws(() => protocol.decode(frame.slice(0, length)), protocol.MalformedFrame);
    }
  }
  assert.throws(() => protocol.decode(new ArrayBuffer(0)), protocol.MalformedFrame);
});

test("a hello that is not JSON, or lacks a field, is malformed", () => {
  const of = (body: string): ArrayBuffer => {
    const bytes = new TextEncoder().encode(`\u0003${body}`);
    return bytes.buffer;
  };
  for (const body of ["{", "null", "[]", '{"version":1}', "\ufffd\ufffd"]) {
    assert.throws(() => protocol.decode(of(body)), protocol.MalformedFrame, body);
  }
  assert.throws(() => protocol.decode(frames.hello({ offset: -1 })), protocol.MalformedFrame);
  assert.throws(() => protocol.decode(frames.hello({ cols: 1.5 })), protocol.MalformedFrame);
});

test("offsets beyond what a number holds exactly are malformed, not rounded", () => {
  const frame = frames.inputAck(0);
  new DataView(frame).setBigUint64(1, 2n ** 53n);
  assert.throws(() => protocol.decode(frame), protocol.MalformedFrame);
});

test("what a viewer writes is what a node reads", () => {
  const bytes = Uint8Array.of(3, 4);
  const read = frames.readViewerFrame;
  assert.deepEqual(read(protocol.encodeInput(2 ** 35, bytes)), {
    kind: "input",
    offset: 2 ** 35,
    bytes,
  });
  assert.deepEqual(read(protocol.encodeAck(77)), { kind: "ack", offset: 77 });
  assert.deepEqual(read(protocol.encodePing(12)), { kind: "ping", token: 12 });
  assert.deepEqual(read(protocol.encodeTakeSize()), { kind: "take_size" });
});

test("sizes on the wire are 1 to 500", () => {
  const sized = (cols: number, rows: number): unknown =>
    frames.readViewerFrame(protocol.encodeResize({ cols, rows }));
  assert.deepEqual(sized(80.9, 24), { kind: "resize", cols: 80, rows: 24 });
  assert.deepEqual(sized(0, 65_536), { kind: "resize", cols: 1, rows: 500 });
  assert.deepEqual(sized(Number.NaN, -3), { kind: "resize", cols: 1, rows: 1 });
});
