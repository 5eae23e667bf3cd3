/** What happens to VMs besides the straight way: placement, exits from inside, limits, bad input. */

import { ask } from "../support/probe.ts";
import { expect, test } from "../support/test.ts";

test("two users with five VMs each: five on each node", async ({ alice, bob }) => {
  test.setTimeout(300_000);
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

test("a busy VM shows over half of its CPU share within 10 s", async ({ alice }) => {
  await alice.runningVm("busy1");
  const shell = await alice.openShell("busy1");
  await shell.run("yes > /dev/null &");
  await alice.visit("/");
  const cpu = alice.row("busy1").getByTitle("CPU, of its share");
  await expect
    .poll(async () => Number.parseInt(await cpu.innerText(), 10), { timeout: 12_000 })
    .toBeGreaterThan(50);
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

test("a change in one tab is in another within a second", async ({ alice }) => {
  await alice.runningVm("live1");
  const tab = await alice.page.context().newPage();
  await tab.goto("/");
  const row = tab.getByRole("main").getByRole("listitem").filter({ hasText: "live1" });
  await expect(row.getByText("Running", { exact: true })).toBeVisible();
  await tab.locator("html[data-script=on]").waitFor({ state: "attached" });
  await alice.choose("live1", "Shut down");
  const word = (page: typeof tab) =>
    page.getByRole("main").getByRole("listitem").filter({ hasText: "live1" }).getByText("Stopped", { exact: true });
  await expect(word(alice.page)).toBeVisible({ timeout: 40_000 });
  await expect(word(tab)).toBeVisible({ timeout: 1_000 });
});
