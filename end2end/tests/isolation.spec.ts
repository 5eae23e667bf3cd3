/** What is one user's does not exist for another: pages, server functions, sockets. */

import { randomUUID } from "node:crypto";

import { ask, upgradeStatus } from "../support/probe.ts";
import { expect, test } from "../support/test.ts";

const VM = "secret1";
const ADMIN_PAGES = ["", "/nodes", "/users", "/vms", "/logs", "/events", "/images"].map((page) => `/admin${page}`);

test("a second user finds nothing of the first one's", async ({ alice, bob, expectFailure }) => {
  test.setTimeout(180_000);
  expectFailure(/status 404: GET/);
  expectFailure(/console error: Failed to load resource.*404/);
  await alice.runningVm(VM);
  await alice.openShell(VM);
  const attach = await alice.page.locator("mc-terminal").getAttribute("attach");
  const shell = await alice.page.locator("mc-terminal").getAttribute("shell");
  expect(attach).toContain(shell);
  const vmId = await alice.vmId(VM);
  const other = "nothere1";

  await test.step("the dashboard does not list it, its name is free", async () => {
    await bob.visit("/");
    await expect(bob.page.getByRole("heading", { name: "No VMs yet" })).toBeVisible();
    await expect(bob.page.getByText(VM)).toHaveCount(0);
  });

  await test.step("pages answer as for a VM that does not exist", async () => {
    for (const path of ["/vms/NAME", "/vms/NAME/delete", "/shell/NAME", `/shell/NAME?shell=${shell}`]) {
      const theirs = await ask(bob.page, path.replace("NAME", VM), [VM, other]);
      const nobodys = await ask(bob.page, path.replace("NAME", other), [VM, other]);
      expect(theirs, path).toEqual(nobodys);
      expect(theirs.status, path).toBe(404);
    }
    await bob.page.goto(`/vms/${VM}`);
    await expect(bob.page.getByRole("heading", { name: "There is nothing here" })).toBeVisible();
  });

  await test.step("server functions answer as for a VM that does not exist", async () => {
    for (const name of ["vm_get", "vm_event_list"]) {
      const theirs = await ask(bob.page, `/api/${name}?name=${VM}`, [VM, other]);
      expect(theirs, name).toEqual(await ask(bob.page, `/api/${name}?name=${other}`, [VM, other]));
      expect(theirs.status, name).toBeGreaterThanOrEqual(400);
    }
    for (const name of ["vm_start", "vm_stop", "vm_restart", "vm_retry", "vm_delete"]) {
      const theirs = await ask(bob.page, `/api/${name}`, [VM, other], { name: VM });
      expect(theirs, name).toEqual(await ask(bob.page, `/api/${name}`, [VM, other], { name: other }));
      expect(theirs.status, name).not.toBe(200);
    }
    const closing = await ask(bob.page, "/api/shell_close", [shell ?? ""], { id: shell ?? "" });
    const random = randomUUID();
    expect(closing).toEqual(await ask(bob.page, "/api/shell_close", [random], { id: random }));
  });

  await test.step("a shell's socket is not there, nor without a cookie, nor from a foreign origin", async () => {
    const path = attach ?? "";
    const query = "?client=0123456789abcdef&cols=80&rows=24";
    const nobodys = await upgradeStatus(bob.page, `/shells/${randomUUID()}/attach${query}`);
    expect(await upgradeStatus(bob.page, path + query)).toBe(nobodys);
    expect(nobodys).toBe(404);
    expect(await upgradeStatus(alice.page, path + query)).toBe(101);
    expect(await upgradeStatus(alice.page, path + query, "http://evil.example")).toBe(403);
  });

  await test.step("admin pages, functions and sockets do not exist for a member", async () => {
    const nothing = await ask(bob.page, "/admin/nothing-of-the-kind", []);
    expect(nothing.status).toBe(404);
    for (const path of [...ADMIN_PAGES, `/admin/vms/${vmId}`, `/admin/vms/${vmId}/shell`]) {
      expect((await ask(bob.page, path, [])).status, path).toBe(404);
    }
    for (const name of ["overview", "node_list", "user_list", "admin_vm_list", "log_list", "event_list"]) {
      expect((await ask(bob.page, `/api/${name}`, [])).status, name).toBeGreaterThanOrEqual(400);
    }
    for (const path of ["/live/admin", "/live/logs"]) {
      expect(await upgradeStatus(bob.page, path), path).toBe(404);
    }
  });

  await test.step("the VM is as it was", async () => {
    await alice.visit("/");
    await alice.waitForState(VM, "Running");
  });
});

test("the same name is free for another user, and is another VM", async ({ alice, bob }) => {
  await alice.runningVm("same1");
  await bob.runningVm("same1");
  expect(await alice.vmId("same1")).not.toBe(await bob.vmId("same1"));
});

test("signing out closes an open shell within 5 s", async ({ alice }) => {
  await alice.runningVm("out1");
  const shell = await alice.openShell("out1");
  const tab = await alice.page.context().newPage();
  await tab.goto("/logout");
  const signOut = tab.getByRole("main").getByRole("button", { name: "Sign out" });
  await shell.isOutAfter("signing out", () => signOut.click());
  await expect(alice.page.getByText("Your access to this shell has ended")).toBeVisible();
  await alice.signIn();
  await expect(alice.page.getByRole("heading", { name: "Your VMs" })).toBeVisible();
});
