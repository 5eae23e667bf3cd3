/** Every page in light and dark, on a phone and a desk, also where something went wrong: no finding of axe, clean console. */

import { allowVms, withLostImage } from "../support/admin.ts";
import { allRules, examineInEach } from "../support/axe.ts";
import type { Person } from "../support/person.ts";
import { filled, pageRoutes } from "../support/route.ts";
import { recordSecret } from "../support/secret.ts";
import { expect, test } from "../support/test.ts";

/** Every page there is; a test below holds the lists complete. */
const VISITOR_PAGES = ["/login", "/register"];
const MEMBER_PAGES = [
  "/",
  "/vms/new",
  "/vms/:name",
  "/vms/:name/delete",
  "/account",
  "/account/password",
  "/delete-account",
  "/logout",
];
const SHELL_PAGES = ["/shell/:name"];
/** Of a shell that is shared. */
const SHARED_PAGES = ["/invitations/:token", "/shared/:id"];
const ADMIN_PAGES = [
  "/admin",
  "/admin/nodes",
  "/admin/users",
  "/admin/vms",
  "/admin/logs",
  "/admin/events",
  "/admin/images",
];
/** Of one node, user or VM. */
const ADMIN_THING_PAGES = [
  "/admin/nodes/:name/remove",
  "/admin/users/:name",
  "/admin/vms/:id",
  "/admin/vms/:id/delete",
  "/admin/vms/:id/shell",
];

/** Looks at the page of an address. */
async function examine(person: Person, path: string): Promise<void> {
  await examineInEach(person.page, path, () => person.visit(path));
}

test("every page of the app is examined here", () => {
  const ofMembers = [...VISITOR_PAGES, ...MEMBER_PAGES, ...SHELL_PAGES, ...SHARED_PAGES];
  const examined = [...ofMembers, ...ADMIN_PAGES, ...ADMIN_THING_PAGES];
  expect(pageRoutes().length, "the routes are found").toBeGreaterThan(20);
  expect(examined.sort()).toEqual(pageRoutes());
});

test("pages of who is not signed in", async ({ somebody }) => {
  const visitor = await somebody();
  for (const path of VISITOR_PAGES) await examine(visitor, path);
});

test("a form whose field is wrong", async ({ somebody, expectFailure }) => {
  expectFailure(/status 4\d\d: POST .*\/api\/account_create/);
  expectFailure(/console error: Failed to load resource.*4\d\d/);
  const visitor = await somebody();
  const { page } = visitor;
  await visitor.visit("/register");
  await page.getByLabel("User name").fill("1_Name");
  await page.getByLabel("Password", { exact: true }).fill(visitor.password);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByLabel("User name")).toHaveAttribute("aria-invalid", "true");
  await examineInEach(page, "/register with a wrong name");
});

test("pages that tell of a VM that failed, and of a quota that is used up", async ({ admin, alice }) => {
  test.setTimeout(900_000);
  await withLostImage(admin, "unheard", async () => {
    await alice.createVm("seen5", { image: "unheard" });
    await alice.waitForState("seen5", "Failed");
  });
  for (const path of ["/", "/vms/seen5"]) await examine(alice, path);
  await expect(alice.page.getByText(/refused/).first()).toBeVisible();
  await examine(admin, "/admin");
  await expect(admin.page.getByText(/VMs? ha(s|ve) failed/)).toBeVisible();
  await allowVms(admin, alice.name, 1);
  await examine(alice, "/vms/new");
  await expect(alice.page.getByText("You have 1 VM, as many as you may.")).toBeVisible();
});

test("pages of a member", async ({ alice, expectFailure }) => {
  test.setTimeout(900_000);
  expectFailure(/status 404: GET .*\/nothing-here/);
  expectFailure(/console error: Failed to load resource.*404.*\/nothing-here/);
  await examine(alice, "/");
  await alice.runningVm("seen1");
  for (const path of [...MEMBER_PAGES, "/nothing-here"]) await examine(alice, filled(path, { ":name": "seen1" }));
});

test("the shell page", async ({ alice }) => {
  test.setTimeout(600_000);
  await alice.runningVm("seen2");
  for (const path of SHELL_PAGES) await examine(alice, filled(path, { ":name": "seen2" }));
});

test("a shell that is shared", async ({ alice, bob, expectFailure }) => {
  test.setTimeout(900_000);
  expectFailure(/404/);
  await alice.runningVm("seen4");
  await alice.openShell("seen4");
  const { page } = alice;
  // What rises is not yet as it will be seen.
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.getByRole("button", { name: "Share" }).click();
  await page.getByRole("button", { name: "Make a link" }).click();
  const link = new URL((await page.locator(".copy-fact code").innerText()).trim()).pathname;
  recordSecret("invitation", link.slice(link.lastIndexOf("/") + 1));
  expect((await allRules(page).analyze()).violations).toEqual([]);
  await examine(bob, link);
  await bob.page.getByRole("button", { name: "Accept" }).click();
  await expect(bob.page).toHaveURL(/\/shared\//);
  for (const path of [new URL(bob.page.url()).pathname, "/", link]) await examine(bob, path);
});

test("the open dialog and menus", async ({ alice }) => {
  await alice.createVm("seen3");
  const { page } = alice;
  // What rises is not yet as it will be seen.
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.getByRole("link", { name: "New VM" }).first().click();
  await expect(page.getByRole("heading", { name: "New VM" })).toBeVisible();
  expect((await allRules(page).analyze()).violations).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByLabel("More actions for seen3").click();
  expect((await allRules(page).analyze()).violations).toEqual([]);
});

test("pages of an admin", async ({ admin }) => {
  test.setTimeout(900_000);
  for (const path of ADMIN_PAGES) await examine(admin, path);
});

test("an admin's pages of one node, user and VM", async ({ admin, alice }) => {
  test.setTimeout(900_000);
  await alice.runningVm("seen4");
  // The node with a VM asks for more than an empty one.
  const node = /node-\d/.exec(await alice.row("seen4").innerText())?.[0] ?? "";
  const id = await alice.vmId("seen4");
  for (const path of ADMIN_THING_PAGES) {
    const name = path.startsWith("/admin/nodes") ? node : alice.name;
    await examine(admin, filled(path, { ":name": name, ":id": id }));
  }
});
