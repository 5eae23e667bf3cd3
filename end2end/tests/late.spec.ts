/** The code of a page comes when it is shown: what is loaded, and what is said where it does not come. */

import type { Page } from "@playwright/test";

import type { Person } from "../support/person.ts";
import { expect, test } from "../support/test.ts";

const PART = /\/pkg\/(split_|chunk_)[^/]*\.wasm$/;
const PART_OF_ACCOUNT = /\/pkg\/split_account[^/]*\.wasm$/;

test("the dashboard needs no part, and a page that a link leads to brings its own", async ({ alice }) => {
  const { page } = alice;
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await alice.visit("/");
  expect(asked.filter((url) => PART.test(url))).toEqual([]);
  asked.length = 0;
  await toAccount(alice);
  await expect(page.getByRole("heading", { name: "Account", level: 1 })).toBeVisible();
  expect(asked.some((url) => PART_OF_ACCOUNT.test(url))).toBe(true);
  expect(asked.some((url) => url.includes("split_admin"))).toBe(false);
  // Script drew it: no document was loaded.
  expect(asked.some((url) => url.endsWith("/account"))).toBe(false);
});

test("a part that does not come is told, and comes when it is tried again", async ({ alice, expectFailure }) => {
  const { page } = alice;
  expectFailure(/console error: Failed to load resource/);
  await alice.visit("/");
  await page.route(PART_OF_ACCOUNT, (route) => route.abort());
  await toAccount(alice);
  await expect(page.getByText("The code of this page could not be loaded")).toBeVisible();
  await page.unroute(PART_OF_ACCOUNT);
  await page.getByRole("link", { name: "Try again" }).click();
  await expect(page.getByRole("heading", { name: "Account", level: 1 })).toBeVisible();
});

test("a page whose part does not come stays as the server drew it", async ({ alice, expectFailure }) => {
  const { page } = alice;
  expectFailure(/console error: Failed to load resource/);
  await page.route(PART_OF_ACCOUNT, (route) => route.abort());
  await page.goto("/account");
  await expect(page.getByRole("heading", { name: "Account", level: 1 })).toBeVisible();
  await page.getByRole("link", { name: "Change password" }).click();
  await expect(page).toHaveURL(/\/account\/password$/);
  await page.unroute(PART_OF_ACCOUNT);
});

test("what the browser drops of a page's script and style is asked for again", async ({ alice, expectFailure }) => {
  const { page } = alice;
  expectFailure(/console error: Failed to load resource/);
  const drops = await dropped(page, 2);
  await alice.visit("/");
  await expect(page.getByRole("heading", { name: "Your VMs" })).toBeVisible();
  await expect.poll(() => page.evaluate(() => getComputedStyle(document.body).margin)).toBe("0px");
  const names = [...drops.keys()].map((path) => path.replace(/[0-9a-f]{16}/, "BUILD")).sort();
  expect(names).toEqual(["/pkg/late.BUILD.js", "/pkg/minicloud.BUILD.js", "/pkg/minicloud.BUILD.wasm", "/pkg/minicloud.css"]);
  await page.unrouteAll();
});

test("a terminal that the browser drops is asked for again", async ({ alice, expectFailure }) => {
  const { page } = alice;
  expectFailure(/console error: Failed to load resource/);
  await alice.visit("/");
  await alice.runningVm("dropped");
  await page.route(/\/pkg\/mc-terminal\.js$/, (route) => route.abort());
  await alice.openShell("dropped");
  await page.unrouteAll();
});

test("a page whose script does not come works as one without", async ({ alice, expectFailure }) => {
  const { page } = alice;
  expectFailure(/console error: (Failed to load resource|the script of this page did not load)/);
  await page.route(/\/pkg\/minicloud\.[0-9a-f]+\.wasm$/, (route) => route.abort());
  // From before on: a page that takes long to load may have said it by then.
  const said = page.waitForEvent("console", (message) => message.text().startsWith("the script of this page"));
  await page.goto("/account");
  await said;
  await page.getByRole("link", { name: "Change password" }).click();
  await expect(page).toHaveURL(/\/account\/password$/);
  await page.unrouteAll();
});

/** Has the browser drop the first `times` requests for each file of the bundle; answers how many it dropped of each. */
async function dropped(page: Page, times: number): Promise<Map<string, number>> {
  const drops = new Map<string, number>();
  await page.route(/\/pkg\//, (route) => {
    const path = new URL(route.request().url()).pathname;
    const before = drops.get(path) ?? 0;
    if (before === times) return route.fallback();
    drops.set(path, before + 1);
    return route.abort();
  });
  return drops;
}

async function toAccount(person: Person): Promise<void> {
  await person.page.getByLabel(`Account of ${person.name}`).click();
  await person.page.getByRole("link", { name: "Account", exact: true }).click();
}
