import assert from "node:assert/strict";
import { test } from "node:test";

import { BUFFER_MAX, InputBuffer, UNWRITTEN_MAX } from "../src/input-buffer.ts";
import { INPUT_FRAME_MAX } from "../src/protocol.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const taken = (buffer: InputBuffer): [number, string][] =>
  buffer.take().map((chunk) => [chunk.offset, new TextDecoder().decode(chunk.bytes)]);

test("bytes are taken once, in order, under their offsets", () => {
  const buffer = new InputBuffer();
  buffer.push(bytes("ab"));
  buffer.push(bytes("c"));
  assert.deepEqual(taken(buffer), [[0, "abc"]]);
  buffer.push(bytes("d"));
  assert.deepEqual(taken(buffer), [[3, "d"]]);
  assert.deepEqual(taken(buffer), []);
});

test("after a reconnect exactly what the node lacks is taken again", () => {
  const buffer = new InputBuffer();
  buffer.push(bytes("hello"));
  buffer.take();
  buffer.ack(1);
  buffer.push(bytes(" you"));
  buffer.resume(3);
  assert.deepEqual(taken(buffer), [[3, "lo you"]]);
});

test("a page that is new goes on where the node is", () => {
  const buffer = new InputBuffer();
  buffer.push(bytes("typed before hello"));
  buffer.resume(1000);
  assert.deepEqual(taken(buffer), [[1000, "typed before hello"]]);
});

test("when the node has lost count, what may have run is not sent twice", () => {
  const buffer = new InputBuffer();
  buffer.push(bytes("sent"));
  buffer.take();
  buffer.ack(2);
  buffer.push(bytes("NEW"));
  buffer.resume(0);
  assert.deepEqual(taken(buffer), [[0, "NEW"]]);
});

test("bytes sent on an earlier socket may be acknowledged by the next hello", () => {
  const buffer = new InputBuffer();
  buffer.push(bytes("abc"));
  buffer.take();
  buffer.resume(0);
  buffer.resume(3);
  assert.equal(buffer.size, 0);
});

test("what the node has taken and the program not read counts against the 1 MiB after a reconnect", () => {
  const buffer = new InputBuffer();
  buffer.push(new Uint8Array(2 * UNWRITTEN_MAX));
  buffer.take();
  buffer.ack(10);
  buffer.resume(UNWRITTEN_MAX, 100);
  assert.deepEqual(buffer.take().map((chunk) => [chunk.offset, chunk.bytes.length]), [
    [UNWRITTEN_MAX, 100],
  ]);
  assert.equal(buffer.size, UNWRITTEN_MAX, "nothing that was taken is kept");
  // The node's acknowledgements go on from what is written, below what it had taken.
  buffer.ack(130);
  assert.deepEqual(buffer.take().map((chunk) => [chunk.offset, chunk.bytes.length]), [
    [UNWRITTEN_MAX + 100, 30],
  ]);
  assert.equal(buffer.size, UNWRITTEN_MAX, "nor is anything forgotten that was not");
});

test("a new page goes on behind what its node has yet to write", () => {
  const buffer = new InputBuffer();
  buffer.push(new Uint8Array(UNWRITTEN_MAX));
  buffer.resume(1000, 400);
  assert.equal(buffer.take().reduce((sum, chunk) => sum + chunk.bytes.length, 0), UNWRITTEN_MAX - 600);
});

test("at most 1 MiB is on its way, in frames of at most 64 KiB", () => {
  const buffer = new InputBuffer();
  buffer.push(new Uint8Array(UNWRITTEN_MAX + 10));
  const chunks = buffer.take();
  assert.equal(chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0), UNWRITTEN_MAX);
  assert.ok(chunks.every((chunk) => chunk.bytes.length <= INPUT_FRAME_MAX));
  assert.deepEqual(buffer.take(), []);
  buffer.ack(4);
  assert.deepEqual(buffer.take().map((chunk) => [chunk.offset, chunk.bytes.length]), [
    [UNWRITTEN_MAX, 4],
  ]);
});

test("what does not fit is refused whole", () => {
  const buffer = new InputBuffer();
  assert.equal(buffer.push(new Uint8Array(BUFFER_MAX)), true);
  assert.equal(buffer.push(new Uint8Array(1)), false);
  assert.equal(buffer.size, BUFFER_MAX);
});

test("an acknowledgement of bytes never sent, or of old ones, changes nothing", () => {
  const buffer = new InputBuffer();
  buffer.push(bytes("abcd"));
  buffer.ack(2);
  assert.equal(buffer.size, 4);
  buffer.take();
  buffer.ack(3);
  buffer.ack(1);
  assert.equal(buffer.size, 1);
});

test("random pushes, takes, acks and cuts give the node every byte once", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = generator(seed);
    const buffer = new InputBuffer();
    const typed: number[] = [];
    const received: number[] = [];
    for (let step = 0; step < 200; step++) {
      const piece = Array.from({ length: Math.floor(random() * 5) }, () => Math.floor(random() * 256));
      typed.push(...piece);
      buffer.push(Uint8Array.from(piece));
      const lost = random() < 0.2;
      for (const chunk of buffer.take()) {
        if (lost && random() < 0.5) break;
        receive(received, chunk.offset, chunk.bytes);
      }
      const written = Math.floor(random() * (received.length + 1));
      if (lost) buffer.resume(received.length, written);
      else if (random() < 0.5) buffer.ack(received.length);
    }
    buffer.resume(received.length);
    for (const chunk of buffer.take()) receive(received, chunk.offset, chunk.bytes);
    assert.deepEqual(received, typed, `seed ${seed}`);
  }
});

function receive(received: number[], offset: number, chunk: Uint8Array): void {
  assert.ok(offset <= received.length, "a gap");
  received.push(...chunk.subarray(received.length - offset));
}

/** mulberry32: the same numbers for the same seed. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
