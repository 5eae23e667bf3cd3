/** Every page in light and dark, on a phone and a desk: no finding of axe, a clean console. */

import AxeBuilder from "@axe-core/playwright";

import type { Person } from "../support/person.ts";
import { expect, test } from "../support/test.ts";

const VIEWPORTS = [
  { width: 390, height: 844 },
  { width: 1280, height: 800 },
];
const SCHEMES = ["light", "dark"] as const;
const ADMIN_PAGES = ["", "/nodes", "/users", "/vms", "/logs", "/events", "/images"].map((page) => `/admin${page}`);

/** Looks at `path` in each theme and width. */
async function examine(person: Person, path: string): Promise<void> {
  const { page } = person;
  for (const viewport of VIEWPORTS) {
    for (const colorScheme of SCHEMES) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await person.visit(path);
      await expect(page.locator("[aria-busy=true]")).toHaveCount(0);
      const { violations } = await new AxeBuilder({ page }).analyze();
      const findings = violations.map(({ id, help, nodes }) => ({
        id,
        help,
        where: nodes.slice(0, 3).map((node) => node.html.slice(0, 160)),
      }));
      expect.soft(findings, `${path}, ${colorScheme}, ${viewport.width} px`).toEqual([]);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect.soft(overflow, `${path} at ${viewport.width} px scrolls sideways`).toBeLessThanOrEqual(0);
    }
  }
}

test("pages of who is not signed in", async ({ somebody }) => {
  const visitor = await somebody();
  for (const path of ["/login", "/register"]) await examine(visitor, path);
});

test("pages of a member", async ({ alice, expectFailure }) => {
  test.setTimeout(300_000);
  expectFailure(/status 404: GET .*\/nothing-here/);
  expectFailure(/console error: Failed to load resource.*404.*\/nothing-here/);
  await examine(alice, "/");
  await alice.runningVm("seen1");
  for (const path of ["/", "/vms/new", "/vms/seen1", "/vms/seen1/delete", "/account", "/account/password", "/logout", "/nothing-here"]) {
    await examine(alice, path);
  }
});

test("the shell page", async ({ alice }) => {
  test.setTimeout(180_000);
  await alice.runningVm("seen2");
  await examine(alice, "/shell/seen2");
});

test("the open dialog and menus", async ({ alice }) => {
  await alice.createVm("seen3");
  const { page } = alice;
  await page.getByRole("link", { name: "New VM" }).first().click();
  await expect(page.getByRole("heading", { name: "New VM" })).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByLabel("More actions for seen3").click();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
});

test("pages of an admin", async ({ admin }) => {
  test.setTimeout(300_000);
  for (const path of ADMIN_PAGES) await examine(admin, path);
});
