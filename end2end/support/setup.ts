/** Around a whole run: a folder for what is recorded of it, and the sampler of the process list. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startSampler } from "./sampler.ts";

export default async function setup(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "minicloud-e2e."));
  process.env.MINICLOUD_E2E_RECORD = folder;
  const stopSampler = startSampler();
  return async () => {
    stopSampler();
    await rm(folder, { recursive: true });
  };
}
