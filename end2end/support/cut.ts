/** A shell's socket that can be cut in the middle, and what came through it. */

import { createHash } from "node:crypto";

import type { Page, WebSocketRoute } from "@playwright/test";

/** docs/shell-protocol.md: output is its kind, the offset of its first byte, and bytes. */
const OUTPUT = 0x01;
const OUTPUT_HEAD = 9;
/** Any code that says nothing of the shell: the page takes it for a lost connection. */
const LOST = 3000;

/** Stands between a page and the server for every socket of a shell that is opened from now on. */
export class Cut {
  private route: WebSocketRoute | undefined;
  private server: WebSocketRoute | undefined;
  private readonly output = new Map<number, Buffer>();
  /** How often a socket was opened. */
  opened = 0;

  static async into(page: Page): Promise<Cut> {
    const cut = new Cut();
    await page.routeWebSocket(/\/shells\/.*\/attach/, (route) => cut.join(route));
    return cut;
  }

  private join(route: WebSocketRoute): void {
    const server = route.connectToServer();
    this.opened += 1;
    [this.route, this.server] = [route, server];
    // What one end sends once the connection is cut reaches nobody.
    route.onMessage((message) => {
      if (this.route === route) server.send(message);
    });
    server.onMessage((message) => {
      if (this.route !== route) return;
      if (typeof message !== "string") this.note(message);
      route.send(message);
    });
  }

  private note(message: Buffer): void {
    if (message[0] !== OUTPUT) return;
    this.output.set(Number(message.readBigUInt64BE(1)), message.subarray(OUTPUT_HEAD));
  }

  /** Cuts the connection, if there is one: neither end is told anything of the shell. */
  async cut(): Promise<void> {
    const [route, server] = [this.route, this.server];
    [this.route, this.server] = [undefined, undefined];
    await Promise.all([route?.close({ code: LOST }), server?.close({ code: LOST })]);
  }

  /** All output from `begin` on as the page was given it, without gap; fails where there is one. */
  bytesFrom(begin: number): Buffer {
    const parts: Buffer[] = [];
    let at = begin;
    for (const [offset, bytes] of [...this.output].sort(([one], [other]) => one - other)) {
      const end = offset + bytes.length;
      if (end <= at) continue;
      if (offset > at) throw new Error(`output from ${at} to ${offset} did not come`);
      parts.push(bytes.subarray(at - offset));
      at = end;
    }
    return Buffer.concat(parts);
  }

  /** Where the output that came so far ends. */
  get end(): number {
    return Math.max(0, ...[...this.output].map(([offset, bytes]) => offset + bytes.length));
  }
}

/** Announces what a page says that loses its shell's socket, and does not get another one at once. */
export function losesSockets(expectFailure: (pattern: RegExp) => void): void {
  expectFailure(/console (error|warning): .*(WebSocket|ERR_CONNECTION|net::)/);
  // After several losses in a row it asks the server whether it is refused: 426 says that it is not.
  expectFailure(/status 426: GET .*\/attach$/);
  expectFailure(/console error: .*426 \(Upgrade Required\)/);
}

export function sha256(bytes: Buffer | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}
