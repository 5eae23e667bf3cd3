/**
 * Cuts a byte stream only between UTF-8 characters. xterm 6.0 keeps the bytes of a character that
 * is split between two writes, but takes a continuation byte of 0x80 for a missing one: an ellipsis
 * or a joiner cut after its second byte is lost. So a character reaches it whole or not yet.
 */
export class WholeCharacters {
  private held = new Uint8Array(0);

  /** The bytes up to the last whole character, what was held back before included. */
  next(bytes: Uint8Array): Uint8Array {
    const joined = this.held.length === 0 ? bytes : concat(this.held, bytes);
    const end = joined.length - unfinished(joined);
    this.held = joined.slice(end);
    return joined.subarray(0, end);
  }

  /** The stream starts anew. */
  reset(): void {
    this.held = new Uint8Array(0);
  }
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
