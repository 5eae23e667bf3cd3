/**
 * MiniCloud in a real browser, against a server that runs already: `script/test` starts one with two
 * nodes and a data folder of its own. By hand: `MINICLOUD_URL=http://127.0.0.1:5555 npx playwright test`.
 */
import { defineConfig } from "@playwright/test";

import { launchOptions } from "../script/lib/chromium.mjs";

export const baseURL = process.env.MINICLOUD_URL ?? "http://127.0.0.1:5555";

export default defineConfig({
  testDir: "tests",
  outputDir: "test-results",
  globalSetup: "./support/setup.ts",
  // What the others used is looked for when all of them are done, also when only some were asked for.
  projects: [
    { name: "pages", testIgnore: "secret.spec.ts", teardown: "secrets" },
    { name: "secrets", testMatch: "secret.spec.ts" },
  ],
  // One at a time: the first-start password and the nodes are shared by all tests.
  workers: 1,
  fullyParallel: false,
  // A test that needs a second try has found something.
  retries: 0,
  forbidOnly: process.env.CI !== undefined,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  reporter: [["list"], ["html", { open: "never" }]],
  use: {
    baseURL,
    actionTimeout: 15_000,
    navigationTimeout: 30_000,
    // What was done, and what the console said. The pages themselves and all that they load would be copied out of the
    // browser each time, megabytes of script too; MINICLOUD_TRACE=1 has them.
    trace: {
      mode: "retain-on-failure",
      screenshots: process.env.MINICLOUD_TRACE === "1",
      snapshots: process.env.MINICLOUD_TRACE === "1",
    },
    screenshot: "only-on-failure",
    viewport: { width: 1280, height: 800 },
    launchOptions,
  },
});
