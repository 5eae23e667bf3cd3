/** The server's and the nodes' own processes: found, signalled, started again. */

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The folder of the whole project. */
export const ROOT = dirname(dirname(import.meta.dirname));

/** The data folder of the server under test; `script/test` names it. Undefined for a server elsewhere. */
export const dataDir = process.env.MINICLOUD_DATA;
/** Where that server's log is. */
export const logDir = process.env.MINICLOUD_LOGS;

function scratch(file: string): string {
  if (dataDir === undefined) throw new Error("MINICLOUD_DATA is not set");
  return join(dirname(dataDir), file);
}

/** The process id of a supervised node, as the server wrote it down. */
export async function nodePid(node: string): Promise<number> {
  const text = await readFile(join(dataDir ?? "", "nodes", node, "pid"), "utf8");
  return Number.parseInt(text, 10);
}

/** The process id of what holds the node's shells; there is one as long as there are shells. */
export async function holderPid(node: string): Promise<number> {
  return Number.parseInt(await readFile(join(dataDir ?? "", "nodes", node, "holder.lock"), "utf8"), 10);
}

export async function serverPid(): Promise<number> {
  return Number.parseInt(await readFile(scratch("server.pid"), "utf8"), 10);
}

/** Whether it runs: one that has ended may stay in the table until its parent looks. */
export async function lives(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return /\) [^ZX] /.test(stat);
}

/** Starts the server again, as it was started; see `script/lib/scratch-server`. */
export async function serverStart(): Promise<void> {
  await run(scratch("start"), [], { timeout: 10_000 });
}

/** A program of this tree, as it was built for the tests. */
export function program(name: string): string {
  return join(ROOT, "target", "debug", name);
}

/** Starts a simulated node that no server supervises. */
export function nodeStart(name: string, port: number, credentialFile: string): ChildProcess {
  const args = ["--name", name, "--driver", "sim", "--listen", `127.0.0.1:${port}`, "--credential-file", credentialFile];
  return spawn(program("minicloud-node"), args, { stdio: "ignore" });
}
