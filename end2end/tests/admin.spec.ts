/** The admin's side. Runs first of all files: it finds a new server with its first password. */

import { ADMIN_PASSWORD, chooseFirstPassword, isFirstStart } from "../support/admin.ts";
import { Person } from "../support/person.ts";
import { baseURL } from "../playwright.config.ts";
import { expect, test } from "../support/test.ts";

test("admin/admin leads to nothing but a new password, and from this machine alone", async ({
  page,
  expectFailure,
}) => {
  expectFailure(/status 4\d\d: POST .*\/api\/login/);
  expectFailure(/console error: Failed to load resource.*4\d\d/);
  const admin = new Person(page, "admin", true, ADMIN_PASSWORD);
  test.skip(!(await isFirstStart(admin)), "this server has its first password behind it");
  const form = { name: "admin", password: "admin" };
  for (const sent of [{ "X-Forwarded-For": "192.0.2.1" }, { Host: "minicloud.example" }]) {
    const headers = { Origin: baseURL, Accept: "application/json", ...sent };
    const response = await page.request.post("/api/login", { headers, form, maxRedirects: 0 });
    expect(response.status(), JSON.stringify(sent)).toBeGreaterThanOrEqual(400);
  }
  await admin.signIn("admin");
  await expect(page.getByRole("heading", { name: "Choose a new password" })).toBeVisible();
  for (const path of ["/", "/admin", "/account", "/vms/new"]) {
    await page.goto(path);
    await expect(page, path).toHaveURL(/\/account\/password$/);
  }
  await admin.settled();
  await chooseFirstPassword(admin);
  await expect(page).toHaveURL(/\/admin$/);
  await admin.signOut();
  await admin.signIn("admin");
  await expect(page.getByRole("alert")).toBeVisible();
  await admin.signIn();
  await expect(page).toHaveURL(/\/admin$/);
});

test("logs of server, balancer and both nodes stream in", async ({ admin, alice }) => {
  await admin.visit("/admin/logs");
  await alice.runningVm("logged1");
  const { page } = admin;
  for (const source of ["server", "balancer", "node-1", "node-2"]) {
    await expect(page.getByRole("main").getByText(source, { exact: true }).first()).toBeVisible();
  }
});

test("both nodes are ready and show what they have", async ({ admin }) => {
  await admin.visit("/admin/nodes");
  for (const node of ["node-1", "node-2"]) {
    const row = admin.page.getByRole("row").filter({ hasText: node });
    await expect(row.getByText("Ready")).toBeVisible();
  }
});

test("users and their VMs are listed, and a disabled user is out at once", async ({ admin, alice, expectFailure }) => {
  expectFailure(/status 4\d\d/);
  expectFailure(/console error: Failed to load resource/);
  await alice.runningVm("theirs1");
  await admin.visit("/admin/vms");
  await expect(admin.page.getByRole("main")).toContainText("theirs1");
  await admin.visit("/admin/users");
  await expect(admin.page.getByRole("link", { name: alice.name })).toBeVisible();
});

test("what happens is told as events", async ({ admin, alice }) => {
  await alice.runningVm("told1");
  await admin.visit("/admin/events");
  await expect(admin.page.getByRole("main")).toContainText(new RegExp(`${alice.name}.*told1`));
});

test("the overview says that all is well, or what is not", async ({ admin }) => {
  await admin.visit("/admin");
  await expect(admin.page.getByRole("main")).toContainText(/All is well|needs? attention|wrong/i);
});
