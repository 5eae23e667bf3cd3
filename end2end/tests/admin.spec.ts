/** The admin's side. Runs first of all files: it finds a new server with its first password. */

import { ADMIN_PASSWORD, chooseFirstPassword, isFirstStart, NEW } from "../support/admin.ts";
import { ShellView } from "../support/shell.ts";
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
  const origin = "http://minicloud.example";
  for (const { sent, status } of [
    // As for a wrong password.
    { sent: { Origin: baseURL, "X-Forwarded-For": "192.0.2.1" }, status: 401 },
    { sent: { Origin: origin, Host: new URL(origin).host }, status: 421 },
  ]) {
    const headers = { Accept: "application/json", ...sent };
    const response = await page.request.post("/api/login", { headers, form, maxRedirects: 0 });
    expect(response.status(), JSON.stringify(sent)).toBe(status);
  }
  await admin.visit("/login");
  await expect(page.getByText(NEW)).toBeVisible();
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
  await expect(page.getByText("The name or the password is wrong.")).toBeVisible();
  await admin.signIn();
  await expect(page).toHaveURL(/\/admin$/);
});

test("logs of server, balancer and both nodes stream in", async ({ admin, alice }) => {
  const { page } = admin;
  const log = page.getByRole("log");
  const lines = log.locator(".log-lines > *");
  const sources = ["server", "balancer", "node-1", "node-2"];
  for (const source of sources) {
    await admin.visit(`/admin/logs?source=${source}`);
    await expect(log, source).toContainText(source);
  }
  await admin.visit("/admin/logs");
  await expect(lines.first()).toBeVisible();
  // Two VMs: one on each node. (The balancer only tells of nodes.)
  await alice.runningVm("logged1");
  await alice.runningVm("logged2");
  for (const source of ["server", "node-1", "node-2"]) {
    const own = lines.filter({ hasText: source }).filter({ hasText: /logged[12]|[0-9a-f]{8}-[0-9a-f]{4}-7/ });
    await expect(own.first(), source).toBeAttached();
  }
});

test("both nodes are ready, and one that is cordoned takes no VM", async ({ admin, alice }) => {
  await admin.visit("/admin/nodes");
  const row = (node: string) => admin.page.getByRole("row").filter({ hasText: node });
  for (const node of ["node-1", "node-2"]) await expect(row(node).getByText("Ready")).toBeVisible();
  await row("node-1").getByRole("button", { name: "Cordon node-1" }).click();
  await expect(row("node-1").getByText("Cordoned")).toBeVisible();
  try {
    for (const vm of ["on2a", "on2b"]) {
      await alice.runningVm(vm);
      await expect(alice.row(vm)).toContainText("node-2");
    }
  } finally {
    await row("node-1").getByRole("button", { name: "Uncordon node-1" }).click();
    await expect(row("node-1").getByText("Takes VMs")).toBeVisible();
  }
});

test("a user who is disabled is out within 5 s, and comes back when enabled", async ({ admin, alice }) => {
  await alice.runningVm("theirs1");
  const shell = await alice.openShell("theirs1");
  await admin.visit("/admin/users");
  await admin.page.getByRole("link", { name: alice.name, exact: true }).click();
  const disable = admin.page.getByRole("button", { name: `Disable ${alice.name}` });
  await shell.isOutAfter("the user was disabled", () => disable.click());
  await admin.page.getByRole("button", { name: `Enable ${alice.name}` }).click();
  await expect(admin.page.getByText("Active", { exact: true })).toBeVisible();
  await alice.signIn();
  await alice.waitForState("theirs1", "Stopped");
});

test("an admin's shell in another's VM is an event that the owner sees", async ({ admin, alice }) => {
  await alice.runningVm("looked1");
  const id = await alice.vmId("looked1");
  await admin.visit("/admin/vms?text=looked1");
  await expect(admin.page.getByRole("row").filter({ hasText: "looked1" })).toContainText(alice.name);
  await admin.page.goto(`/admin/vms/${id}/shell`);
  const shell = new ShellView(admin.page);
  await shell.connected();
  await shell.prompt();
  await alice.visit("/vms/looked1");
  await expect(alice.page.getByRole("region", { name: "Events" })).toContainText(/admin.*shell/i);
});

test("what happens is told as events", async ({ admin, alice }) => {
  await alice.runningVm("told1");
  await admin.visit(`/admin/events?actor=${alice.name}`);
  await expect(admin.page.getByRole("region", { name: "Events" })).toContainText(new RegExp(`${alice.name}.*told1`));
});

test("the overview says that all is well, or what is wrong", async ({ admin }) => {
  await admin.visit("/admin");
  await expect(admin.page.getByText(/All is well|things? (is|are) wrong/)).toBeVisible();
  for (const node of ["node-1", "node-2"]) {
    await expect(admin.page.getByRole("link", { name: node, exact: true })).toBeVisible();
  }
  const counts = admin.page.getByRole("region", { name: "Counts" });
  for (const count of ["VMs", "Nodes", "Users", "Shells", "Sign-ins"]) {
    // A server that has just begun takes its first sample within 10 s, and an open page shows it.
    const course = counts.getByRole("img", { name: new RegExp(`^${count} over the last (hour|\\d+ min): `) });
    await expect(course, count).toBeVisible({ timeout: 45_000 });
    await expect(course.locator(".sparkline path"), count).toHaveAttribute("d", /^M.*M/);
  }
});
