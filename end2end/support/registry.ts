/** A registry of the test's own on loopback, as slow as the test wants: an image that no engine has yet. */

import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const CHUNK = 64 * 1024;

export interface Registry {
  /** What the catalogue calls the image: `127.0.0.1:PORT/slow/base:1`. */
  reference: string;
  /** Lets so much of the image through, 0 to 1. */
  letThrough(part: number): void;
  /** Ends it, and takes the image off the engine. */
  close(): Promise<void>;
}

/** Serves `minicloud/base` with something in it that is new each time; nothing of it gets through at first. */
export async function slowRegistry(): Promise<Registry> {
  const layer = await newLayer();
  const config = Buffer.from(
    JSON.stringify({
      architecture: "amd64",
      os: "linux",
      config: { Cmd: ["/bin/sh"] },
      rootfs: { type: "layers", diff_ids: [digest(layer)] },
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: { mediaType: "application/vnd.docker.container.image.v1+json", size: config.length, digest: digest(config) },
      layers: [{ mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip", size: layer.length, digest: digest(layer) }],
    }),
  );
  let through = 0;
  const server = createServer((request, response) => {
    const asked = request.url ?? "";
    const blob = [config, layer].find((blob) => asked.endsWith(digest(blob)));
    if (asked.includes("/manifests/")) {
      // Asked for by HEAD, too: its length is wanted then.
      const head = { "Content-Type": MANIFEST, "Docker-Content-Digest": digest(manifest), "Content-Length": manifest.length };
      response.writeHead(200, head).end(manifest);
    } else if (blob) {
      response.writeHead(200, { "Content-Length": blob.length });
      void slowly(response, blob, () => (blob === layer ? through * blob.length : blob.length));
    } else {
      response.end("{}");
    }
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const reference = `127.0.0.1:${(server.address() as AddressInfo).port}/slow/base:1`;
  return {
    reference,
    letThrough: (part) => {
      through = part;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      // It may not have been pulled.
      await run("docker", ["rmi", "--force", reference]).catch(() => undefined);
    },
  };
}

async function slowly(to: ServerResponse, bytes: Buffer, limit: () => number): Promise<void> {
  for (let at = 0; at < bytes.length && !to.destroyed; at += CHUNK) {
    while (at > limit() && !to.destroyed) await sleep(20);
    to.write(bytes.subarray(at, at + CHUNK));
  }
  to.end();
}

/** The files of `minicloud/base` and a new one. */
async function newLayer(): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), "mc-layer-"));
  const tar = join(folder, "layer.tar");
  const { stdout: container } = await run("docker", ["create", "minicloud/base"]);
  try {
    await run("docker", ["export", "--output", tar, container.trim()]);
    await writeFile(join(folder, "new"), randomBytes(32));
    await run("tar", ["--append", "--file", tar, "--directory", folder, "new"]);
    return await readFile(tar);
  } finally {
    await run("docker", ["rm", container.trim()]);
    await rm(folder, { recursive: true });
  }
}

function digest(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
