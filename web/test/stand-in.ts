/**
 * A stand-in for node and server, for tests of the element in a browser and for looking at it
 * (`npm run demo`): a page with MiniCloud's strict policy, and the shell protocol over a real bash
 * on a PTY made by `script`. A helper of tests: it trusts whoever talks to it.
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { SerializeAddon } from "@xterm/addon-serialize";
import headless from "@xterm/headless";
import { type WebSocket, WebSocketServer } from "ws";

import * as frames from "./frames.ts";

const RING_BYTES = 256 * 1024;
const WINDOW_BYTES = 256 * 1024;
const NONCE = "c3RhbmQtaW4";

const POLICY = [
  "default-src 'none'",
  `script-src 'self' 'nonce-${NONCE}' 'wasm-unsafe-eval'`,
  `style-src 'self' 'nonce-${NONCE}'`,
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'self'",
].join("; ");

interface Viewer {
  socket: WebSocket;
  client: string;
  /** Of its window, told whether or not it owns the size. */
  cols: number;
  rows: number;
  sent: number;
  acked: number;
}

/** A shell with its ring, its picture of the screen, and whoever looks at it. */
export class Shell {
  readonly viewers: Viewer[] = [];
  /** Input offsets by client. */
  readonly inputs = new Map<string, number>();
  /** All input that reached the PTY. */
  received = Buffer.alloc(0);
  /** Where set, input goes here and not to bash. */
  swallowInput = false;
  ringBytes = RING_BYTES;
  /** Off for floods of random bytes that nobody looks at. */
  pictured = true;
  private offset = 0;
  /** The last bytes of the stream, in the pieces they came in. */
  private ring: Uint8Array[] = [];
  private ringSize = 0;
  private readonly picture = new headless.Terminal({
    cols: 80,
    rows: 24,
    allowProposedApi: true,
    logLevel: "off",
  });
  private readonly serialize = new SerializeAddon();
  private readonly folder = mkdtempSync(join(tmpdir(), "mc-stand-in-"));
  private readonly bash: ChildProcess | null;
  cols = 80;
  rows = 24;
  /** Every size the PTY took, in order. */
  readonly sizes: string[] = [];

  constructor(program: "bash" | "none") {
    this.picture.loadAddon(this.serialize as never);
    this.bash = program === "bash" ? this.startBash() : null;
  }

  /** As if the PTY had given these bytes. */
  feed(bytes: Uint8Array): void {
    this.offset += bytes.length;
    this.ring.push(bytes);
    this.ringSize += bytes.length;
    while (this.ringSize > this.ringBytes && this.ring.length > 1) {
      this.ringSize -= this.ring.shift()?.length ?? 0;
    }
    if (this.pictured) this.picture.write(bytes);
    for (const viewer of this.viewers) this.pump(viewer);
  }

  attach(socket: WebSocket, query: URLSearchParams): void {
    const client = query.get("client") ?? "";
    const [cols, rows] = [Number(query.get("cols")), Number(query.get("rows"))];
    const viewer: Viewer = { socket, client, cols, rows, sent: this.offset, acked: this.offset };
    this.viewers.push(viewer);
    this.takeOwnersSize();
    socket.send(frames.hello(this.hello(viewer)));
    this.catchUp(viewer, query.get("from"));
    this.countViewers();
    socket.on("message", (data: Buffer) => this.handle(viewer, frames.readViewerFrame(data)));
    socket.on("close", () => this.detach(viewer));
  }

  /** Breaks every connection as a lost network does. */
  cut(): void {
    for (const viewer of [...this.viewers]) viewer.socket.terminate();
  }

  closeAll(code: number, reason = ""): void {
    for (const viewer of [...this.viewers]) viewer.socket.close(code, reason);
  }

  end(): void {
    this.bash?.kill("SIGKILL");
    this.cut();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private startBash(): ChildProcess {
    const rc = "tty > \"$0/tty\"; exec bash --norc --noprofile";
    const child = spawn("script", ["-qfec", `sh -c '${rc}' ${this.folder}`, "/dev/null"], {
      env: { PATH: process.env.PATH, TERM: "xterm-256color", LANG: "C.UTF-8", HOME: "/tmp",
        PS1: "\\[\\e[1;32m\\]web1\\[\\e[0m\\]:\\[\\e[1;34m\\]\\w\\[\\e[0m\\]# " },
      cwd: "/tmp",
    });
    child.stdout?.on("data", (data: Buffer) => this.feed(data));
    child.on("exit", (code) => this.exited(code ?? 1));
    return child;
  }

  private exited(code: number): void {
    for (const { socket } of this.viewers) {
      socket.send(frames.exit(code));
      socket.close(4001);
    }
  }

  private hello(viewer: Viewer): Parameters<typeof frames.hello>[0] {
    return {
      cols: this.cols,
      rows: this.rows,
      offset: this.offset,
      input_offset: this.inputs.get(viewer.client) ?? 0,
      owner: this.owns(viewer),
      viewers: this.viewers.length,
    };
  }

  private owns(viewer: Viewer): boolean {
    return this.viewers[0] === viewer;
  }

  private takeOwnersSize(): void {
    const owner = this.viewers[0];
    if (owner === undefined || (owner.cols === this.cols && owner.rows === this.rows)) return;
    ({ cols: this.cols, rows: this.rows } = owner);
    this.sizes.push(`${this.cols}x${this.rows}`);
    this.picture.resize(this.cols, this.rows);
    this.sizePty();
  }

  private sizePty(): void {
    if (this.bash === null) return;
    try {
      const tty = readFileSync(join(this.folder, "tty"), "utf8").trim();
      spawnSync("stty", ["-F", tty, "rows", String(this.rows), "cols", String(this.cols)]);
    } catch {
      setTimeout(() => this.sizePty(), 20); // The PTY is still being made.
    }
  }

  private catchUp(viewer: Viewer, from: string | null): void {
    const start = this.offset - this.ringSize;
    viewer.sent = from === null ? this.offset : Number(from);
    if (from === null || viewer.sent < start) this.sendSnapshot(viewer);
    viewer.acked = viewer.sent;
    this.pump(viewer);
  }

  private sendSnapshot(viewer: Viewer): void {
    // The picture is drawn behind its input; what is not drawn yet must not be skipped.
    const offset = this.offset;
    viewer.sent = Number.POSITIVE_INFINITY;
    this.picture.write("", () => {
      viewer.sent = viewer.acked = offset;
      const bytes = this.serialize.serialize({ scrollback: 1000 });
      viewer.socket.send(frames.snapshot(offset, this.cols, this.rows, bytes));
      this.pump(viewer);
    });
  }

  private pump(viewer: Viewer): void {
    if (viewer.sent >= this.offset || viewer.sent - viewer.acked >= WINDOW_BYTES) return;
    const start = this.offset - this.ringSize;
    if (viewer.sent < start) return this.sendSnapshot(viewer);
    const limit = Math.min(this.offset, viewer.acked + WINDOW_BYTES);
    let at = start;
    for (const piece of this.ring) {
      const fresh = piece.subarray(Math.max(0, viewer.sent - at), limit - at);
      at += piece.length;
      if (at <= viewer.sent) continue;
      viewer.socket.send(frames.output(viewer.sent, fresh));
      viewer.sent += fresh.length;
      if (viewer.sent >= limit) break;
    }
  }

  private handle(viewer: Viewer, frame: frames.ViewerFrame): void {
    switch (frame.kind) {
      case "input":
        return this.input(viewer, frame.offset, frame.bytes);
      case "resize":
        [viewer.cols, viewer.rows] = [frame.cols, frame.rows];
        return this.tellSize();
      case "ack":
        viewer.acked = frame.offset;
        return this.pump(viewer);
      case "ping":
        return viewer.socket.send(frames.pong(frame.token));
      case "take_size":
        this.viewers.splice(this.viewers.indexOf(viewer), 1);
        this.viewers.unshift(viewer);
        return this.tellSize();
    }
  }

  private input(viewer: Viewer, offset: number, bytes: Uint8Array): void {
    const had = this.inputs.get(viewer.client) ?? 0;
    if (offset > had) return viewer.socket.close(4400);
    const fresh = Buffer.from(bytes.subarray(had - offset));
    this.inputs.set(viewer.client, had + fresh.length);
    this.received = Buffer.concat([this.received, fresh]);
    if (!this.swallowInput) this.bash?.stdin?.write(fresh);
    viewer.socket.send(frames.inputAck(had + fresh.length));
  }

  private tellSize(): void {
    this.takeOwnersSize();
    for (const viewer of this.viewers) {
      viewer.socket.send(frames.size(this.cols, this.rows, this.owns(viewer)));
    }
  }

  private countViewers(): void {
    for (const { socket } of this.viewers) socket.send(frames.viewers(this.viewers.length));
  }

  private detach(viewer: Viewer): void {
    const wasOwner = this.owns(viewer);
    this.viewers.splice(this.viewers.indexOf(viewer), 1);
    this.countViewers();
    if (wasOwner) this.tellSize();
  }
}

/** The server's part: the page, the bundle, the upgrade. */
export class StandIn {
  readonly shells = new Map<string, Shell>();
  /** Whether upgrades and pages are answered: off is a server that is away. */
  up = true;
  /** Whether the sign-in page sends on, as for who is signed in. */
  signedIn = true;
  /** Upgrades asked for, also while away. */
  attempts = 0;
  private readonly http: Server = createServer((request, response) => this.page(request, response));
  private readonly sockets = new WebSocketServer({ noServer: true });

  async listen(port = 0): Promise<string> {
    this.http.on("upgrade", (request, socket, head) => {
      const url = new URL(request.url ?? "/", "http://stand-in");
      const shell = this.shells.get(url.pathname.split("/")[2] ?? "");
      this.attempts += 1;
      if (!this.up) return socket.destroy();
      this.sockets.handleUpgrade(request, socket, head, (webSocket) => {
        if (shell === undefined) webSocket.close(4004);
        else shell.attach(webSocket, url.searchParams);
      });
    });
    await new Promise<void>((resolve) => this.http.listen(port, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  shell(id: string, program: "bash" | "none" = "bash"): Shell {
    const shell = this.shells.get(id) ?? new Shell(program);
    this.shells.set(id, shell);
    return shell;
  }

  close(): void {
    for (const shell of this.shells.values()) shell.end();
    this.http.closeAllConnections();
    this.http.close();
  }

  private page(request: IncomingMessage, response: ServerResponse): void {
    if (!this.up) return void request.destroy();
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://stand-in");
    const files: Record<string, string> = {
      "/pkg/mc-terminal.js": "text/javascript",
      "/pkg/mc-terminal.css": "text/css",
    };
    const type = files[pathname];
    if (type !== undefined) {
      response.writeHead(200, { "content-type": type, "cache-control": "no-store" });
      response.end(readFileSync(join("dist", pathname.slice(5))));
    } else if (pathname.startsWith("/shell/")) {
      response.writeHead(200, { "content-type": "text/html", "content-security-policy": POLICY });
      response.end(html(pathname.slice(7), searchParams.get("theme") ?? "light dark"));
    } else if (pathname === "/login") {
      response.writeHead(this.signedIn ? 303 : 200, this.signedIn ? { location: "/" } : {}).end();
    } else {
      const known = pathname.startsWith("/shells/");
      response.writeHead(pathname === "/favicon.ico" ? 204 : known ? 426 : 404).end();
    }
  }
}

function html(shell: string, scheme: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>web1</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/pkg/mc-terminal.css">
<style nonce="${NONCE}">:root { color-scheme: ${scheme} } body { margin: 0 } main { block-size: 100dvh }</style>
<script src="/pkg/mc-terminal.js" type="module" nonce="${NONCE}"></script></head>
<body><main><h1 hidden>Shell of web1</h1>
<mc-terminal vm="web1" shell="${shell}" attach="/shells/${shell}/attach" nonce="${NONCE}"></mc-terminal>
</main></body></html>`;
}
