/** Frames as a node writes them, and those of a viewer taken apart: the other half of the codec. */

import type { Hello } from "../src/protocol.ts";

/** A frame of a viewer. */
export type ViewerFrame =
  | { kind: "input"; offset: number; bytes: Uint8Array }
  | { kind: "resize"; cols: number; rows: number }
  | { kind: "ack"; offset: number }
  | { kind: "ping"; token: number }
  | { kind: "take_size" }
  | { kind: "pong"; token: number };

export function output(offset: number, bytes: Uint8Array | string): ArrayBuffer {
  return frame(0x01, 8, (view) => view.setBigUint64(1, BigInt(offset)), bytes);
}

export function snapshot(
  offset: number,
  cols: number,
  rows: number,
  bytes: Uint8Array | string,
): ArrayBuffer {
  const write = (view: DataView): void => {
    view.setBigUint64(1, BigInt(offset));
    view.setUint16(9, cols);
    view.setUint16(11, rows);
  };
  return frame(0x02, 12, write, bytes);
}

export function snapshotPart(bytes: string): ArrayBuffer {
  return frame(0x0a, 0, () => {}, bytes);
}

export function hello(fields: Partial<Hello> = {}): ArrayBuffer {
  const json = {
    version: 1,
    shell_id: "s",
    cols: 80,
    rows: 24,
    offset: 0,
    input_offset: 0,
    owner: true,
    viewers: 1,
    ...fields,
  };
  return frame(0x03, 0, () => {}, JSON.stringify(json));
}

export function inputAck(offset: number): ArrayBuffer {
  return frame(0x04, 8, (view) => view.setBigUint64(1, BigInt(offset)));
}

export function size(cols: number, rows: number, owner: boolean): ArrayBuffer {
  return frame(0x05, 5, (view) => {
    view.setUint16(1, cols);
    view.setUint16(3, rows);
    view.setUint8(5, owner ? 1 : 0);
  });
}

export function exit(code: number): ArrayBuffer {
  return frame(0x06, 4, (view) => view.setInt32(1, code));
}

export function pong(token: number): ArrayBuffer {
  return frame(0x07, 8, (view) => view.setBigUint64(1, BigInt(token)));
}

export function ping(token: number): ArrayBuffer {
  return frame(0x09, 8, (view) => view.setBigUint64(1, BigInt(token)));
}

export function viewers(count: number): ArrayBuffer {
  return frame(0x08, 2, (view) => view.setUint16(1, count));
}

export function readViewerFrame(bytes: Uint8Array): ViewerFrame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const offset = (): number => Number(view.getBigUint64(1));
  switch (view.getUint8(0)) {
    case 0x81:
      return { kind: "input", offset: offset(), bytes: bytes.slice(9) };
    case 0x82:
      return { kind: "resize", cols: view.getUint16(1), rows: view.getUint16(3) };
    case 0x83:
      return { kind: "ack", offset: offset() };
    case 0x84:
      return { kind: "ping", token: offset() };
    case 0x85:
      return { kind: "take_size" };
    case 0x86:
      return { kind: "pong", token: offset() };
    default:
      throw new Error(`no such frame: ${view.getUint8(0)}`);
  }
}

function frame(
  kind: number,
  fixed: number,
  write: (view: DataView) => void,
  tail: Uint8Array | string = "",
): ArrayBuffer {
  const bytes = typeof tail === "string" ? new TextEncoder().encode(tail) : tail;
  const buffer = new ArrayBuffer(1 + fixed + bytes.length);
  const view = new DataView(buffer);
  view.setUint8(0, kind);
  write(view);
  new Uint8Array(buffer).set(bytes, 1 + fixed);
  return buffer;
}
