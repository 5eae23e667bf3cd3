import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";

import { WebSocket } from "ws";

import { Connection, type Listener, type Socket } from "../src/connection.ts";
import { attachUrl } from "../src/environment.ts";
import { StandIn } from "./stand-in.ts";

const TOTAL = 50 * 1024 * 1024;
const CUTS = 20;

/** A connection over real sockets that hears nothing but what `listener` wants. */
function connect(origin: string, shell: string, listener: Partial<Listener>): Connection {
  const base = new URL(`${origin}/shells/${shell}/attach`);
  const environment = {
    open: (from: number | null, size: { cols: number; rows: number }) =>
      new WebSocket(attachUrl(base, "0123456789abcdef", from, size)) as unknown as Socket,
    rename: () => {},
    refusal: () => Promise.resolve(null),
    signedOut: () => Promise.resolve(false),
    now: () => Date.now(),
    after: (delay: number, action: () => void) => {
      const timer = setTimeout(action, delay);
      return () => clearTimeout(timer);
    },
    random: () => 0,
  };
  const deaf = {
    state: () => {},
    output: () => {},
    snapshot: () => {},
    repliesFrom: () => {},
    size: () => {},
    viewers: () => {},
  };
  return new Connection(environment, { ...deaf, ...listener }, { cols: 80, rows: 24 });
}

test("50 MB through 20 cut connections: every byte once, in order", { timeout: 120_000 }, async () => {
  const standIn = new StandIn();
  const shell = standIn.shell("flood", "none");
  shell.pictured = false;
  shell.ringBytes = 64 * 1024 * 1024;
  const sent = createHash("sha256");
  const heard = createHash("sha256");
  let heardBytes = 0;
  let cuts = 0;
  const origin = await standIn.listen();
  const finished = new Promise<void>((resolve, reject) => {
    const connection = connect(origin, "flood", {
      state: (state) => state.name === "connected" && shell.viewers.length === 0 && reject(new Error("nobody")),
      snapshot: (bytes, _, end) => (bytes.length > 0 ? reject(new Error("skipped")) : connection.parsed(end)),
      output: (bytes, end) => {
        heard.update(bytes);
        heardBytes += bytes.length;
        if (heardBytes > ((cuts + 1) * TOTAL) / (CUTS + 2) && cuts < CUTS) {
          cuts += 1;
          shell.cut();
        }
        connection.parsed(end);
        if (heardBytes >= TOTAL) resolve(connection.close());
      },
    });
    connection.connect();
  });
  while (shell.viewers.length === 0) await pause(5);
  for (let left = TOTAL; left > 0; left -= 64 * 1024) {
    const bytes = randomBytes(64 * 1024);
    sent.update(bytes);
    shell.feed(bytes);
    if (left % (1024 * 1024) === 0) await pause(1);
  }
  await finished;
  standIn.close();
  assert.equal(cuts, CUTS);
  assert.equal(heardBytes, TOTAL);
  assert.equal(heard.digest("hex"), sent.digest("hex"));
});

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
