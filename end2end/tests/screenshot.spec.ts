/** Pictures of the pages for people to look at, in shots/. Only when asked: MINICLOUD_SHOTS=1 script/test browser screenshot. */

import type { Person } from "../support/person.ts";
import { slowRegistry } from "../support/registry.ts";
import { ShellView } from "../support/shell.ts";
import { expect, test } from "../support/test.ts";
import { baseURL } from "../playwright.config.ts";

const WIDTHS = [390, 768, 1280, 1920];
const HEIGHTS: Record<number, number> = { 390: 844, 768: 1024, 1280: 800, 1920: 1080 };

test.skip(process.env.MINICLOUD_SHOTS !== "1", "pictures are made with MINICLOUD_SHOTS=1");

async function shoot(person: Person, path: string, name: string, ready?: () => Promise<void>): Promise<void> {
  const { page } = person;
  for (const width of WIDTHS) {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize({ width, height: HEIGHTS[width] ?? 800 });
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await person.visit(path);
      await ready?.();
      await page.screenshot({ path: `${import.meta.dirname}/../shots/${name}-${width}-${colorScheme}.png` });
    }
  }
}

test("pages of who is not signed in", async ({ somebody }) => {
  const visitor = await somebody();
  await shoot(visitor, "/login", "login");
  await shoot(visitor, "/register", "register");
});

test("pages of a member", async ({ alice, expectFailure }) => {
  test.setTimeout(600_000);
  expectFailure(/nothing-here/);
  await shoot(alice, "/", "dashboard-empty");
  for (const vm of ["web1", "db", "lab-7"]) await alice.runningVm(vm);
  await alice.shutDown("db");
  await shoot(alice, "/", "dashboard");
  await shoot(alice, "/vms/new", "vm-new");
  await shoot(alice, "/vms/web1", "vm");
  await shoot(alice, "/vms/web1/delete", "vm-delete");
  await shoot(alice, "/account", "account");
  await shoot(alice, "/account/password", "password");
  await shoot(alice, "/delete-account", "account-delete");
  await shoot(alice, "/logout", "logout");
  await shoot(alice, "/nothing-here", "not-found");
  const shell = new ShellView(alice.page);
  await alice.visit("/shell/web1");
  await shell.prompt();
  await shell.output("ls -la /; uname -a");
  await shoot(alice, "/shell/web1", "shell", async () => {
    await shell.connected();
    await shell.prompt();
  });
  await expect(shell.element).toBeVisible();
});

test("pages of an admin", async ({ admin }) => {
  test.setTimeout(600_000);
  for (const page of ["", "/nodes", "/users", "/vms", "/logs", "/events", "/images"]) {
    await shoot(admin, `/admin${page}`, `admin${page.replace("/", "-")}`);
  }
});

test("an admin's pages of one node, user and VM", async ({ admin, alice }) => {
  test.setTimeout(600_000);
  await alice.runningVm("web1");
  const node = /node-\d/.exec(await alice.row("web1").innerText())?.[0] ?? "";
  const id = await alice.vmId("web1");
  await shoot(admin, `/admin/nodes/${node}/remove`, "admin-node-remove");
  await shoot(admin, `/admin/users/${alice.name}`, "admin-user");
  await shoot(admin, `/admin/vms/${id}`, "admin-vm");
  await shoot(admin, `/admin/vms/${id}/delete`, "admin-vm-delete");
  const shell = new ShellView(admin.page);
  await shoot(admin, `/admin/vms/${id}/shell`, "admin-vm-shell", async () => {
    await shell.connected();
    await shell.prompt();
  });
});

/** Asks for a VM, and does not wait for it. The status says whether there is room. */
async function asked(person: Person, data: { name: string; image?: string }): Promise<number> {
  const answer = await person.page.request.post("/api/v1/vms", { headers: { Origin: baseURL }, data });
  return answer.status();
}

test("a full dashboard, as far as this machine has room: up to 20 VMs", async ({ admin, alice }) => {
  test.setTimeout(900_000);
  const quota = { vms: 20, cpu_millis: 20_000, memory_mib: 20_480, disk_gib: 200 };
  const set = { headers: { Origin: baseURL }, data: quota };
  expect((await admin.page.request.put(`/api/v1/admin/users/${alice.name}/quota`, set)).status()).toBe(200);
  let count = 0;
  while (count < 20 && (await asked(alice, { name: `room-${count + 1}` })) === 201) count++;
  expect(count).toBeGreaterThan(5);
  await alice.visit("/");
  await expect(alice.page.locator(".vm-row[data-state=running]")).toHaveCount(count, { timeout: 300_000 });
  await alice.shutDown("room-2");
  await shoot(alice, "/", "dashboard-full");
});

test("a VM that failed, one that was shut down", async ({ admin, alice }) => {
  test.setTimeout(900_000);
  const headers = { Origin: baseURL };
  const image = { name: "nowhere", reference: "127.0.0.1:9/nowhere:1", summary: "On no node, and not to be had" };
  const form = { headers, form: image };
  expect((await admin.page.request.post("/api/image_add", form)).status()).toBeLessThan(400);
  try {
    await alice.runningVm("db");
    await alice.shutDown("db");
    expect(await asked(alice, { name: "big", image: image.name })).toBe(201);
    await alice.waitForState("big", "Failed", 300_000);
    await shoot(alice, "/", "dashboard-failed");
    await shoot(alice, "/vms/big", "vm-failed");
    await shoot(alice, "/vms/db", "vm-stopped");
  } finally {
    await admin.page.request.post("/api/image_remove", { headers, form: { name: image.name } });
  }
});

test("a VM whose image is on its way", async ({ admin, alice }) => {
  test.setTimeout(600_000);
  const headers = { Origin: baseURL };
  const registry = await slowRegistry();
  const form = { name: "faraway", reference: registry.reference, summary: "Comes slowly" };
  try {
    expect((await admin.page.request.post("/api/image_add", { headers, form })).status()).toBeLessThan(400);
    await alice.runningVm("web1");
    registry.letThrough(0.42);
    expect(await asked(alice, { name: "lab-7", image: form.name })).toBe(201);
    await expect(alice.row("lab-7")).toContainText(/Pulling.*\d %/, { timeout: 60_000 });
    await shoot(alice, "/", "dashboard-busy");
    await shoot(alice, "/vms/lab-7", "vm-busy");
  } finally {
    await admin.page.request.post("/api/image_remove", { headers, form: { name: form.name } });
    await registry.close();
  }
});
