// Shows the built element at http://127.0.0.1:5590/shell/demo with a real bash behind it.
import { build } from "esbuild";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const outfile = "node_modules/.mc-demo.mjs";
await build({
  entryPoints: ["test/stand-in.ts"],
  outfile,
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
});
const { StandIn } = await import(`../${outfile}`);
const standIn = new StandIn();
standIn.shell("demo");
console.log(`${await standIn.listen(5590)}/shell/demo`);
