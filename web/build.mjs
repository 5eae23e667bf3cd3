// Bundles <mc-terminal> into dist/mc-terminal.js and dist/mc-terminal.css.
// `--watch` rebuilds on change; `--dev` keeps names and adds source maps.
import { build, context } from "esbuild";

const watch = process.argv.includes("--watch");
const dev = watch || process.argv.includes("--dev");

/** @type {import("esbuild").BuildOptions} */
const options = {
  entryPoints: { "mc-terminal": "src/index.ts" },
  outdir: "dist",
  bundle: true,
  // A classic or a module script may load it: nothing is exported.
  format: "iife",
  target: ["chrome123", "edge123", "firefox121", "safari17.5"],
  minify: !dev,
  sourcemap: dev,
  loader: { ".svg": "text" },
  legalComments: "eof",
  logLevel: "info",
};

if (watch) await (await context(options)).watch();
else await build(options);
