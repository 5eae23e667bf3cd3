/** Looking for secrets in files, logs and lists. */

import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";

import type { Secret } from "./secret.ts";

/** Somewhere a secret might be. */
export interface Place {
  name: string;
  text: string;
}

/** All files below `folder`; bytes stay as they are, so that a database can be searched. */
export function filesBelow(folder: string): Place[] {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => fileAt(join(entry.parentPath, entry.name), folder));
}

export function fileAt(path: string, folder = ""): Place {
  return { name: relative(folder, path), text: readFileSync(path, "latin1") };
}

/** Which secrets are where, one a line, in words that do not repeat the secret. */
export function findings(places: Place[], secrets: Secret[]): string[] {
  return places.flatMap(({ name, text }) =>
    secrets.filter((secret) => text.includes(secret.text)).map((secret) => `${name}: ${told(text, secret)}`),
  );
}

/** The line that a secret stands in, without it. */
function told(text: string, { kind, text: secret }: Secret): string {
  const at = text.indexOf(secret);
  const before = text.slice(Math.max(0, at - 100), at).split("\n").at(-1);
  const after = text.slice(at + secret.length, at + secret.length + 100).split("\n")[0];
  return `${before}[${kind}]${after}`;
}
