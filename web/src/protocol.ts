/**
 * The frames of the shell protocol, version 1 (docs/shell-protocol.md): the first byte of a binary
 * message is the kind, integers are big-endian. Pure functions over bytes; no socket in here.
 */

/** Columns and rows of a terminal, each 1..=500. */
export interface Size {
  cols: number;
  rows: number;
}

/** What a node tells about a shell when a viewer attaches; always the first frame. */
export interface Hello extends Size {
  version: number;
  shell_id: string;
  /** Output bytes the shell has made so far. */
  offset: number;
  /** Input bytes of this client that the node has taken. */
  input_offset: number;
  /** How many of them have reached the PTY; older nodes do not tell. */
  input_written?: number;
  /** Whether this viewer decides the size. */
  owner: boolean;
  viewers: number;
}

/** A frame from the node. Offsets count bytes. */
export type NodeFrame =
  | { kind: "output"; offset: number; bytes: Uint8Array }
  | ({ kind: "snapshot"; offset: number; bytes: Uint8Array } & Size)
  /** The next bytes of a snapshot, which comes with the last of them. */
  | { kind: "snapshot_part"; bytes: Uint8Array }
  | { kind: "hello"; hello: Hello }
  | { kind: "input_ack"; offset: number }
  | ({ kind: "size"; owner: boolean } & Size)
  | { kind: "exit"; code: number }
  | { kind: "pong"; token: number }
  | { kind: "viewers"; count: number }
  /** This viewer was silent for long; answered at once with {@link encodePong}. */
  | { kind: "ping"; token: number };

/** A known kind with a body that cannot be read. The socket is closed with 4400. */
export class MalformedFrame extends Error {
  override name = "MalformedFrame";
}

/** Most bytes of input in one frame. */
export const INPUT_FRAME_MAX = 64 * 1024;
/** Largest column or row count that goes on the wire. */
export const SIZE_MAX = 500;

const NODE_KIND = {
  0x01: "output",
  0x02: "snapshot",
  0x03: "hello",
  0x04: "input_ack",
  0x05: "size",
  0x06: "exit",
  0x07: "pong",
  0x08: "viewers",
  0x09: "ping",
  0x0a: "snapshot_part",
} as const;

type NodeKind = (typeof NODE_KIND)[keyof typeof NODE_KIND];

/** Bytes of the fixed part of each body, the kind not counted. */
const BODY_MIN: Record<NodeKind, number> = {
  output: 8,
  snapshot: 12,
  snapshot_part: 0,
  hello: 2,
  input_ack: 8,
  size: 5,
  exit: 4,
  pong: 8,
  viewers: 2,
  ping: 8,
};

/**
 * Reads one message of the node. A kind from a later version is `null`, to be passed over.
 * Output bytes are a view into `message`, not a copy.
 */
export function decode(message: ArrayBuffer): NodeFrame | null {
  if (message.byteLength === 0) throw new MalformedFrame("an empty message");
  const view = new DataView(message);
  const kind = NODE_KIND[view.getUint8(0) as keyof typeof NODE_KIND];
  if (kind === undefined) return null;
  if (message.byteLength - 1 < BODY_MIN[kind]) {
    throw new MalformedFrame(`${kind} with a body of ${message.byteLength - 1} bytes`);
  }
  return decodeBody(kind, view);
}

function decodeBody(kind: NodeKind, view: DataView): NodeFrame {
  switch (kind) {
    case "output":
      return { kind, offset: offsetAt(view, 1), bytes: rest(view, 9) };
    case "snapshot":
      return { kind, offset: offsetAt(view, 1), ...sizeAt(view, 9), bytes: rest(view, 13) };
    case "snapshot_part":
      return { kind, bytes: rest(view, 1) };
    case "hello":
      return { kind, hello: decodeHello(rest(view, 1)) };
    case "input_ack":
      return { kind, offset: offsetAt(view, 1) };
    case "size":
      return { kind, ...sizeAt(view, 1), owner: view.getUint8(5) === 1 };
    case "exit":
      return { kind, code: view.getInt32(1) };
    case "pong":
    case "ping":
      return { kind, token: offsetAt(view, 1) };
    case "viewers":
      return { kind, count: view.getUint16(1) };
  }
}

function decodeHello(bytes: Uint8Array): Hello {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new MalformedFrame("hello is not JSON", { cause });
  }
  if (!isHello(json)) throw new MalformedFrame("hello lacks a field");
  return json;
}

function isHello(json: unknown): json is Hello {
  if (typeof json !== "object" || json === null) return false;
  const fields = json as Record<string, unknown>;
  const numbers = ["version", "cols", "rows", "offset", "input_offset", "viewers"];
  return (
    numbers.every((name) => isCount(fields[name])) &&
    (fields.input_written === undefined || isCount(fields.input_written)) &&
    typeof fields.shell_id === "string" &&
    typeof fields.owner === "boolean"
  );
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** A `u64` as a number: exact up to 2^53, which at 1 GB/s is reached after a hundred days. */
function offsetAt(view: DataView, at: number): number {
  const offset = Number(view.getBigUint64(at));
  if (!Number.isSafeInteger(offset)) throw new MalformedFrame("an offset beyond 2^53");
  return offset;
}

function sizeAt(view: DataView, at: number): Size {
  return { cols: view.getUint16(at), rows: view.getUint16(at + 2) };
}

function rest(view: DataView, at: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, view.byteLength - at);
}

/** `bytes` (at most {@link INPUT_FRAME_MAX}) typed by this client, the first being its `offset`th. */
export function encodeInput(offset: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = withOffset(0x81, offset, bytes.length);
  frame.set(bytes, 9);
  return frame;
}

/** The viewer's size; clamped to what every part accepts. */
export function encodeResize({ cols, rows }: Size): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(5);
  const view = new DataView(frame.buffer);
  frame[0] = 0x82;
  view.setUint16(1, clampSize(cols));
  view.setUint16(3, clampSize(rows));
  return frame;
}

/** The terminal has parsed all output before `offset`. */
export function encodeAck(offset: number): Uint8Array<ArrayBuffer> {
  return withOffset(0x83, offset);
}

/** Asks for a pong that carries `token`. */
export function encodePing(token: number): Uint8Array<ArrayBuffer> {
  return withOffset(0x84, token);
}

/** Answers the node's ping. */
export function encodePong(token: number): Uint8Array<ArrayBuffer> {
  return withOffset(0x86, token);
}

/** This viewer wants to decide the size. */
export function encodeTakeSize(): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(0x85);
}

/** A column or row count as the node would clamp it. */
export function clampSize(count: number): number {
  return Math.min(SIZE_MAX, Math.max(1, Math.trunc(count) || 1));
}

function withOffset(kind: number, offset: number, extra = 0): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(9 + extra);
  frame[0] = kind;
  new DataView(frame.buffer).setBigUint64(1, BigInt(offset));
  return frame;
}
