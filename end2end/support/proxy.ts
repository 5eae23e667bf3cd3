/** The line between a browser and the server: a SOCKS proxy on loopback that can fall silent. */

import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

import { baseURL } from "../playwright.config.ts";

/** RFC 1928, where nobody has to say who they are: the answers to what a client says first and second. */
const WELCOME = Buffer.from([5, 0]);
const GRANTED = Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);

/** A browser that goes through it keeps the server's own address: what checks that sees no difference. */
export class Line {
  private readonly listener = createServer((browser) => this.accept(browser));
  private readonly joined: [browser: Socket, server: Socket][] = [];
  private readonly waiting: Socket[] = [];
  private silent = false;

  static async open(): Promise<Line> {
    const line = new Line();
    line.listener.listen(0, "127.0.0.1");
    await once(line.listener, "listening");
    return line;
  }

  /** What a browser is given as its proxy. */
  get address(): string {
    return `socks5://127.0.0.1:${(this.listener.address() as AddressInfo).port}`;
  }

  /** How many connections were opened since it fell silent. */
  get hanging(): number {
    return this.waiting.length;
  }

  /** From now on no byte gets through in either direction, nothing is closed, and new connections hang. */
  cut(): void {
    this.silent = true;
    for (const [browser, server] of this.joined) {
      browser.unpipe(server);
      server.unpipe(browser);
    }
  }

  /** All goes on where it stood: what was under way arrives, as on a network that sends again. */
  mend(): void {
    this.silent = false;
    for (const pair of this.joined) forward(...pair);
    for (const browser of this.waiting.splice(0)) greet(browser, () => this.join(browser));
  }

  close(): void {
    this.listener.close();
    for (const socket of [...this.waiting, ...this.joined.flat()]) socket.destroy();
  }

  private accept(browser: Socket): void {
    // A browser may break off what it does not need any more.
    browser.on("error", () => browser.destroy());
    if (this.silent) this.waiting.push(browser);
    else greet(browser, () => this.join(browser));
  }

  /** Whatever address was asked for: pages know of no other. */
  private join(browser: Socket): void {
    const { hostname, port, protocol } = new URL(baseURL);
    const server = connect(Number(port) || (protocol === "https:" ? 443 : 80), hostname);
    server.on("error", () => browser.destroy());
    browser.on("error", () => server.destroy());
    this.joined.push([browser, server]);
    if (this.silent) browser.pause();
    else forward(browser, server);
  }
}

/** A client waits for each answer, so that what it says comes in one piece, and nothing behind it. */
function greet(browser: Socket, then: () => void): void {
  browser.once("data", () => {
    browser.write(WELCOME);
    browser.once("data", () => {
      browser.write(GRANTED);
      then();
    });
  });
}

function forward(browser: Socket, server: Socket): void {
  browser.pipe(server);
  server.pipe(browser);
}
