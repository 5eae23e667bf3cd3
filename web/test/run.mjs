// Bundles test/*.test.ts and runs them with node's own test runner. `--browser` runs
// test/browser/*.test.ts instead: the built element in a real browser against a node stand-in.
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = process.argv.includes("--browser") ? "test/browser" : "test";
const tests = readdirSync(join(root, folder)).filter((name) => name.endsWith(".test.ts"));
// Inside node_modules, so that what is not bundled is found from there.
const out = mkdtempSync(join(root, "node_modules/.mc-test-"));

try {
  await build({
    absWorkingDir: root,
    entryPoints: tests.map((name) => `${folder}/${name}`),
    outdir: out,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    sourcemap: "inline",
    logLevel: "warning",
  });
  const files = readdirSync(out).map((name) => join(out, name));
  const pattern = process.argv.find((argument) => argument.startsWith("--test-name-pattern"));
  const args = ["--enable-source-maps", "--test", ...(pattern ? [pattern] : []), ...files];
  process.exitCode = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
