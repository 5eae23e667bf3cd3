/** Pictures of the pages for people to look at, in shots/. Only when asked: MINICLOUD_SHOTS=1. */

import type { Person } from "../support/person.ts";
import { ShellView } from "../support/shell.ts";
import { expect, test } from "../support/test.ts";

const WIDTHS = [390, 768, 1280, 1920];
const HEIGHTS: Record<number, number> = { 390: 844, 768: 1024, 1280: 800, 1920: 1080 };

test.skip(process.env.MINICLOUD_SHOTS === undefined, "pictures are made with MINICLOUD_SHOTS=1");

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
