/** The four pictures of the README. Only when asked: MINICLOUD_SHOTS=readme script/test browser readme; it takes some minutes. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { Page } from "@playwright/test";

import { leaveRunning } from "../support/exec.ts";
import { Person } from "../support/person.ts";
import { ROOT } from "../support/process.ts";
import { slowRegistry } from "../support/registry.ts";
import { expect, test } from "../support/test.ts";
import { baseURL } from "../playwright.config.ts";

const SIZE = { width: 1280, height: 800 };
const FOLDER = join(ROOT, "docs", "screenshot");
/** For charts and bars that show something: a third of the 15 minutes, and of the admin's hour of bars a few. */
const LIFE_MS = 300_000;
/** More CPU in some moments than in others, and some memory. */
const LIFE =
  "dd if=/dev/zero of=/dev/shm/used bs=1M count=48; while :; do for rest in 9 4 7 2; do yes | head -n 9000000 >/dev/null; sleep $rest; done; done";
const NOWHERE = { name: "nowhere", reference: "127.0.0.1:9/lab/tools:2", summary: "On no node, and not to be had" };

test.skip(process.env.MINICLOUD_SHOTS !== "readme", "pictures are made with MINICLOUD_SHOTS=readme");

async function shoot(page: Page, name: string): Promise<void> {
  // Nothing is pointed at.
  await page.mouse.move(0, 799);
  await page.screenshot({ path: join(FOLDER, `${name}.png`) });
}

test("the dashboard, a shell, a VM's page, the admin's overview", async ({ admin, browser }) => {
  test.setTimeout(1_200_000);
  await mkdir(FOLDER, { recursive: true });
  const headers = { Origin: baseURL };
  const { request } = admin.page;
  const context = await browser.newContext({ baseURL, viewport: SIZE, colorScheme: "light" });
  const ada = new Person(await context.newPage(), "ada");
  const registry = await slowRegistry();
  const faraway = { name: "debian", reference: registry.reference, summary: "Comes slowly" };
  try {
    for (const form of [NOWHERE, faraway]) {
      expect((await request.post("/api/image_add", { headers, form })).status()).toBeLessThan(400);
    }
    await ada.register();
    for (const vm of ["web1", "db", "notes"]) await ada.runningVm(vm);
    await leaveRunning(ada.page, "web1", LIFE);
    await ada.shutDown("notes");
    await ada.createVm("big", { image: NOWHERE.name });
    await ada.waitForState("big", "Failed", 300_000);
    await ada.page.waitForTimeout(LIFE_MS);

    await ada.visit("/vms/web1");
    await shoot(ada.page, "vm");
    await ada.page.emulateMedia({ colorScheme: "dark" });
    await ada.visit("/");
    const shell = await ada.openShell("web1");
    await shell.run("clear; ls -l --color=always /; ps; echo $((6*7))");
    await shell.sees(/^42$/m);
    await shell.prompt();
    await shoot(ada.page, "shell");
    await ada.page.emulateMedia({ colorScheme: "light" });
    await ada.visit("/");
    registry.letThrough(0.42);
    await ada.createVm("lab-7", { image: faraway.name });
    await expect(ada.row("lab-7")).toContainText(/Pulling.*\d %/, { timeout: 60_000 });
    await shoot(ada.page, "dashboard");
    await admin.page.setViewportSize(SIZE);
    await admin.visit("/admin");
    await shoot(admin.page, "admin");
  } finally {
    for (const { name } of [NOWHERE, faraway]) await request.post("/api/image_remove", { headers, form: { name } });
    await registry.close();
    await ada.deleteAccount();
    await context.close();
  }
});
