/**
 * The secrets that a run uses, written down as they are used, so that tests/secret.spec.ts can look for
 * them where none may be. Beside them the names of accounts: those may be anywhere, and show that a
 * search would have found something.
 */

import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { BrowserContext, Request, Response } from "@playwright/test";

/** Every run has all of them: tests/secret.spec.ts makes one of each itself. */
export const KINDS = [
  "password",
  "one-time password",
  "login cookie",
  "API token",
  "node credential",
  "invitation",
] as const;
export type Kind = (typeof KINDS)[number];

export interface Secret {
  kind: Kind;
  text: string;
}

/** What is shorter stands in logs by chance: `admin`, the first-start password, is a name as well. */
const SHORTEST = 10;
/** Fields of forms that take a secret. */
const FIELDS: Record<string, Kind> = {
  password: "password",
  current: "password",
  new: "password",
  credential: "node credential",
};
const COOKIE = /^(__Host-)?minicloud_session$/;

/** The folder that setup.ts made for this run. */
export function recordFolder(): string {
  const folder = process.env.MINICLOUD_E2E_RECORD;
  if (folder === undefined) throw new Error("MINICLOUD_E2E_RECORD is not set: support/setup.ts has not run");
  return folder;
}

const secretFile = () => join(recordFolder(), "secrets");
const nameFile = () => join(recordFolder(), "names");

/** Notes an account's name, which is no secret. */
export function recordName(name: string): void {
  appendFileSync(nameFile(), `${name}\n`);
}

export function recordedNames(): string[] {
  return linesOf(nameFile());
}

export function recordSecret(kind: Kind, text: string): void {
  if (text.length < SHORTEST) return;
  appendFileSync(secretFile(), `${JSON.stringify({ kind, text } satisfies Secret)}\n`, { mode: 0o600 });
}

/** All that was recorded so far, each once. */
export function recordedSecrets(): Secret[] {
  return [...new Set(linesOf(secretFile()))].map((line) => JSON.parse(line) as Secret);
}

function linesOf(file: string): string[] {
  return readFileSync(file, "utf8").split("\n").filter((line) => line !== "");
}

/** Records what the pages of `context` send and get: passwords in forms, login cookies. */
export function followSecrets(context: BrowserContext): void {
  context.on("request", recordForm);
  context.on("response", (response) => void recordSetCookies(response));
}

function recordForm(request: Request): void {
  if (request.method() !== "POST") return;
  for (const [field, value] of new URLSearchParams(request.postData() ?? "")) {
    const kind = FIELDS[field];
    if (kind !== undefined) recordSecret(kind, value);
  }
}

async function recordSetCookies(response: Response): Promise<void> {
  // Rejected when the page is gone before the headers came: recordCookies has the jar's last state.
  const headers = await response.headersArray().catch(() => []);
  for (const { name, value } of headers) {
    if (name.toLowerCase() !== "set-cookie") continue;
    for (const line of value.split("\n")) recordCookie(line.slice(0, line.indexOf("=")), /=([^;]*)/.exec(line)?.[1] ?? "");
  }
}

/** Records the login cookies that `context` holds now, also those that requests without a page got. */
export async function recordCookies(context: BrowserContext): Promise<void> {
  for (const { name, value } of await context.cookies()) recordCookie(name, value);
}

function recordCookie(name: string, value: string): void {
  if (COOKIE.test(name)) recordSecret("login cookie", value);
}
