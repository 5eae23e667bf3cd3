/** The addresses that pages have, as app/src tells them. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const APP = join(import.meta.dirname, "../../app/src");

/** Every page's route, such as `/vms/:name`, in order. */
export function pageRoutes(): string[] {
  const files = readdirSync(APP, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".rs"));
  const found = files.flatMap((file) => [...readFileSync(join(APP, file), "utf8").matchAll(/path=path!\("([^"]*)"/g)]);
  return found.map((match) => match[1] ?? "").sort();
}

/** A route with its parts filled in: `{ ":name": "web1" }`. */
export function filled(route: string, parts: Record<string, string>): string {
  return route.replaceAll(/:\w+/g, (part) => {
    const value = parts[part];
    if (value === undefined) throw new Error(`what is ${part} in ${route}?`);
    return value;
  });
}
