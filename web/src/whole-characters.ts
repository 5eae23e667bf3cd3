/**
 * What xterm is given of a byte stream: whole UTF-8 characters, and no C1 control among them.
 *
 * The stream is cut only between characters. xterm 6.0 keeps the bytes of a character that
 * is split between two writes, but takes a continuation byte of 0x80 for a missing one: an ellipsis
 * or a joiner cut after its second byte is lost. So a character reaches it whole or not yet.
 *
 * U+0080 to U+009F are hardly ever meant as controls: they come of text that was encoded twice, as a
 * quotation mark whose bytes were taken for characters. To xterm some of them begin a string that
 * swallows all output up to the next escape sequence; the node's terminal leaves them out, too.
 */
export class WholeCharacters {
  private held = new Uint8Array(0);

  /** The bytes up to the last whole character, what was held back before included. */
  next(bytes: Uint8Array): Uint8Array {
    const joined = this.held.length === 0 ? bytes : concat(this.held, bytes);
    const end = joined.length - unfinished(joined);
    this.held = joined.slice(end);
    return withoutC1(joined.subarray(0, end));
  }

  /** The stream starts anew. */
  reset(): void {
    this.held = new Uint8Array(0);
  }
}

/** Lead byte of the characters from U+0080 to U+00BF. */
const C1_LEAD = 0xc2;

function withoutC1(bytes: Uint8Array): Uint8Array {
  let at = nextC1(bytes, 0);
  if (at < 0) return bytes;
  const kept = new Uint8Array(bytes.length);
  let length = 0;
  let from = 0;
  for (; at >= 0; at = nextC1(bytes, from)) {
    kept.set(bytes.subarray(from, at), length);
    length += at - from;
    from = at + 2;
  }
  kept.set(bytes.subarray(from), length);
  return kept.subarray(0, length + bytes.length - from);
}

function nextC1(bytes: Uint8Array, from: number): number {
  let at = bytes.indexOf(C1_LEAD, from);
  while (at >= 0 && !isC1(bytes[at + 1])) at = bytes.indexOf(C1_LEAD, at + 1);
  return at;
}

function isC1(second: number | undefined): boolean {
  return second !== undefined && second >= 0x80 && second < 0xa0;
}

/** How many bytes at the end are the beginning of a character whose rest has not come. */
function unfinished(bytes: Uint8Array): number {
  for (let count = 1; count <= Math.min(3, bytes.length); count++) {
    const byte = bytes[bytes.length - count] as number;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return lengthFrom(byte) > count ? count : 0;
  }
  return 0;
}

/** Bytes of the character that begins with `lead`; 1 for what cannot begin one. */
function lengthFrom(lead: number): number {
  if (lead >= 0xf8) return 1;
  if (lead >= 0xf0) return 4;
  return lead >= 0xe0 ? 3 : 2;
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}
