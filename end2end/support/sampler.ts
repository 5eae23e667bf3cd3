/**
 * What the process list shows of the server, its nodes and whatever they start, noted again and again while
 * tests run: anybody on the machine can read arguments, and who runs as the same user the environment.
 */

import { createHash } from "node:crypto";
import { appendFileSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { recordFolder } from "./secret.ts";

export interface Sample {
  pid: number;
  /** The program's name. */
  program: string;
  args: string[];
  environment: string[];
}

const EVERY_MS = 200;
const PROGRAMS = ["minicloud-server", "minicloud-node"];
/** Programs of this tree: another MiniCloud may run on the machine. */
const ROOT = dirname(dirname(import.meta.dirname));

const file = () => join(recordFolder(), "processes");

/** Notes what there is now and then, until the function that it answers is called. */
export function startSampler(): () => void {
  const seen = new Set<string>();
  const timer = setInterval(() => note(seen), EVERY_MS);
  return () => clearInterval(timer);
}

export function recordedSamples(): Sample[] {
  const lines = readFileSync(file(), "utf8").split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Sample);
}

/** Writes down what has not been seen so far. */
function note(seen: Set<string>): void {
  for (const sample of ours()) {
    const line = JSON.stringify(sample);
    const mark = createHash("sha256").update(line).digest("base64");
    if (seen.has(mark)) continue;
    seen.add(mark);
    appendFileSync(file(), `${line}\n`, { mode: 0o600 });
  }
}

/** The processes of MiniCloud's programs, and all that descend from them. */
function ours(): Sample[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync("/proc")) {
    const parent = /^\d+$/.test(entry) ? parentOf(Number(entry)) : undefined;
    if (parent !== undefined) parents.set(Number(entry), parent);
  }
  const programs = new Set([...parents.keys()].filter(isProgram));
  const descends = (pid: number | undefined): boolean =>
    pid !== undefined && (programs.has(pid) || descends(parents.get(pid)));
  return [...parents.keys()].filter(descends).flatMap((pid) => sample(pid) ?? []);
}

/** Undefined where the process has ended meanwhile, here and below. */
function parentOf(pid: number): number | undefined {
  // The name in brackets may hold spaces: count from behind it.
  const fields = read(pid, "stat")?.replace(/^.*\) /s, "").split(" ");
  return fields === undefined ? undefined : Number(fields[1]);
}

function isProgram(pid: number): boolean {
  try {
    const program = readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, "");
    return program.startsWith(`${ROOT}/`) && PROGRAMS.includes(basename(program));
  } catch {
    // Ended, or another user's.
    return false;
  }
}

function sample(pid: number): Sample | undefined {
  const args = read(pid, "cmdline")?.split("\0");
  const environment = read(pid, "environ")?.split("\0");
  if (args === undefined || environment === undefined) return undefined;
  // In the middle of an exec a process has neither.
  if (environment.join("") === "") return undefined;
  return { pid, program: basename(args[0] ?? ""), args, environment };
}

function read(pid: number, what: "stat" | "cmdline" | "environ"): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${what}`, "utf8");
  } catch {
    return undefined;
  }
}
