// Bundles <mc-terminal> into dist/mc-terminal.js and dist/mc-terminal.css.
// `--watch` rebuilds on change; `--dev` keeps names and adds source maps.
import { build, context } from "esbuild";
import { readFile } from "node:fs/promises";

const watch = process.argv.includes("--watch");
const dev = watch || process.argv.includes("--dev");

/**
 * xterm's DOM renderer sets `style` attributes, which a Content-Security-Policy without
 * 'unsafe-inline' forbids; the same text given to the CSSOM is allowed. There is one such place; a
 * version of xterm with none or more of them must be looked at before it is taken.
 * @type {import("esbuild").Plugin}
 */
const styleThroughCssom = {
  name: "style-through-cssom",
  setup: (build) =>
    build.onLoad({ filter: /@xterm[/\\]xterm[/\\]lib[/\\]xterm\.mjs$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const place = /(\w+)\.setAttribute\("style",(`[^`]*`)\)/g;
      const count = [...text.matchAll(place)].length;
      if (count !== 1) throw new Error(`xterm sets style attributes in ${count} places, not 1`);
      return { contents: text.replace(place, "$1.style.cssText=$2") };
    }),
};

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
  plugins: [styleThroughCssom],
  loader: { ".svg": "text" },
  legalComments: "eof",
  logLevel: "info",
};

if (watch) await (await context(options)).watch();
else await build(options);
