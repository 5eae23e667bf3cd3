/**
 * A server of a test's own, for what is configuration: the pages, no node, and a data folder that is gone
 * afterwards.
 */

import { spawn, type ChildProcessByStdio } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";

import { program, ROOT } from "./process.ts";

/** It is ready in a second or two; the value is for a machine that is busy. */
const READY_MS = 60_000;
/** Promised are 10 s. */
const END_MS = 30_000;
const READY = /^MiniCloud is ready: (http:\S+)\n/;

type Child = ChildProcessByStdio<null, Readable, Readable>;

export class OwnServer {
  private constructor(
    readonly url: string,
    private readonly child: Child,
    private readonly folder: string,
  ) {}

  /** Starts one with these settings, as the environment has them (docs/operations.md), and with no others. */
  static async start(settings: Record<string, string>): Promise<OwnServer> {
    const folder = await mkdtemp(join(tmpdir(), "minicloud-own."));
    const child = spawn(program("minicloud-server"), [], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH,
        MINICLOUD_CONFIG: join(folder, "none.toml"),
        MINICLOUD_DATA_DIR: join(folder, "data"),
        MINICLOUD_SITE_ROOT: join(ROOT, "target", "site"),
        MINICLOUD_LISTEN: "127.0.0.1:0",
        MINICLOUD_API_LISTEN: "off",
        MINICLOUD_SSH_LISTEN: "off",
        MINICLOUD_NODE_PORTS: "none",
        ...settings,
      },
    });
    try {
      return new OwnServer(await ready(child), child, folder);
    } catch (error) {
      await end(child, folder);
      throw error;
    }
  }

  async end(): Promise<void> {
    await end(this.child, this.folder);
  }
}

/** The address that it says it is ready at. */
function ready(child: Child): Promise<string> {
  return new Promise((resolve, reject) => {
    let [said, log] = ["", ""];
    const fail = (what: string) => reject(new Error(`a test's own server ${what}:\n${log}`));
    const timer = setTimeout(() => fail(`was not ready within ${READY_MS} ms`), READY_MS);
    child.stderr.on("data", (text: Buffer) => (log += text.toString()));
    child.stdout.on("data", (text: Buffer) => {
      said += text.toString();
      const url = READY.exec(said)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    });
    child.once("error", (error) => fail(`could not be started (${error.message})`));
    child.once("exit", (code) => fail(`ended with ${String(code)}`));
  });
}

async function end(child: Child, folder: string): Promise<void> {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), END_MS);
    await ended;
    clearTimeout(timer);
  }
  await rm(folder, { recursive: true });
}
