/** The page of the JSON API: calls are tried from it. */

import type { Locator, Page } from "@playwright/test";

import { baseURL } from "../playwright.config.ts";
import { axe, axeOfColours } from "../support/axe.ts";
import { recordSecret } from "../support/secret.ts";
import { expect, test } from "../support/test.ts";

/** A call's part of the page, with its form open. */
async function trial(page: Page, call: string): Promise<Locator> {
  const heading = page.getByRole("heading", { name: call, exact: true });
  const section = page.locator("section").filter({ has: heading });
  await section.getByText("Try it").click();
  return section;
}

async function send(section: Locator, status: string): Promise<void> {
  await section.getByRole("button", { name: "Send" }).click();
  // Some wait on the server, at most half a minute.
  await expect(section.getByRole("status")).toContainText(status, { timeout: 45_000 });
}

test("who is signed in tries calls as themselves, and another asks with a token", async ({
  alice,
  somebody,
  expectFailure,
}) => {
  expectFailure(/status 401: GET .*\/api\/v1\/me/);
  expectFailure(/console error: Failed to load resource.*401/);
  const elsewhere: string[] = [];
  alice.page.on("request", (request) => {
    if (new URL(request.url()).origin !== baseURL) elsewhere.push(request.url());
  });
  await alice.page.goto("/api/docs");
  const tokens = await trial(alice.page, "POST /api/v1/me/tokens");
  await tokens.getByLabel("Body").fill(`{"name": "tried", "scopes": ["read", "write"]}`);
  await send(tokens, "201");
  const token = /mct_[0-9a-f]{64}/.exec(await tokens.innerText())?.[0] ?? "";
  recordSecret("API token", token);
  expect(elsewhere).toEqual([]);

  const visitor = await somebody();
  await visitor.page.goto("/api/docs");
  const me = await trial(visitor.page, "GET /api/v1/me");
  await send(me, "401");
  await expect(me).toContainText(`"code": "`);
  await visitor.page.getByLabel("API token, to try calls").fill(token);
  await send(me, "200");
  await expect(me).toContainText(`"name": "${alice.name}"`);
  await expect(me).toContainText(`curl -H "Authorization: Bearer $TOKEN" '${baseURL}/api/v1/me'`);
  await expect(me).not.toContainText(token);
});

test("path, query, header and body go where they belong", async ({ alice }) => {
  const { page } = alice;
  await page.goto("/api/docs");
  const create = await trial(page, "POST /api/v1/vms");
  await create.getByLabel("wait").fill("30s");
  await create.getByLabel("Idempotency-Key").fill("it's-mine");
  await create.getByLabel("Body").fill(`{"name": "tried1"}`);
  await send(create, "201");
  await expect(create).toContainText(`"state": "running"`);
  await expect(create).toContainText(
    `-H 'Idempotency-Key: it'\\''s-mine' --json '{"name": "tried1"}' '${baseURL}/api/v1/vms?wait=30s'`,
  );
  const get = await trial(page, "GET /api/v1/vms/{name}");
  await get.getByLabel("name").fill("tried1");
  await send(get, "200");
  await expect(get).toContainText(`"name": "tried1"`);
});

test("a stream is shown as it comes, until its part is closed", async ({ admin }) => {
  const { page } = admin;
  await page.goto("/api/docs");
  const logs = await trial(page, "GET /api/v1/admin/logs");
  await logs.getByLabel("source").fill("server");
  await send(logs, "200");
  await expect(logs).toContainText("data:");
  const ended = page.waitForEvent("requestfailed");
  await logs.getByText("Try it").click();
  expect((await ended).url()).toContain("/api/v1/admin/logs?source=server");
});

test("with its forms open the page has no finding of axe, on a phone and a desk, light and dark", async ({ alice }) => {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [390, 1280]) await examine(alice.page, colorScheme, width);
  }
});

async function examine(page: Page, colorScheme: "light" | "dark", width: number): Promise<void> {
  await page.setViewportSize({ width, height: 844 });
  await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
  await page.goto("/api/docs");
  const exec = await trial(page, "POST /api/v1/vms/{name}/exec");
  await expect(exec.getByLabel("Body")).toHaveValue(/"argv"/);
  await trial(page, "GET /api/v1/vms");
  const rules = colorScheme === "light" ? axe(page) : axeOfColours(page);
  const { violations } = await rules.analyze();
  expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html]), `${colorScheme}, ${width} px`).toEqual([]);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(overflow, `${width} px`).toBeLessThanOrEqual(0);
}
