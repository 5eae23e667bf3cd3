/** The main job, from signing up to a name that is free again. */

import { vmRows } from "../support/admin.ts";
import { containersOf, networks, networksOf } from "../support/engine.ts";
import { Person } from "../support/person.ts";
import { ShellView } from "../support/shell.ts";
import { expect, test } from "../support/test.ts";

const VM = "web1";

test("sign up, create a VM, work in its shell, shut it down, start it, delete it", async ({ somebody, admin }) => {
  test.setTimeout(240_000);
  const alice = await somebody();
  await alice.register();
  const { page } = alice;
  await expect(page.getByRole("heading", { name: "No VMs yet" })).toBeVisible();
  await alice.runningVm(VM);

  const shell = await alice.openShell(VM);
  expect(await shell.output("echo $((6*7))")).toBe("42");

  await test.step("a full-screen editor opens, writes, and gives the screen back", async () => {
    await shell.run("clear; echo before; vi /root/note");
    await shell.sees(/^~$/m);
    await shell.type("ikept words");
    await shell.press("Escape");
    // BusyBox takes what follows an Escape at once for a part of it.
    await shell.sees(/^- \/root\/note/m);
    await shell.run(":wq");
    await shell.prompt();
    expect(await shell.output("cat /root/note")).toBe("kept words");
  });

  await test.step("stty size follows the window", async () => {
    const before = await shell.size();
    expect(await shell.output("stty size")).toBe(rowsAndCols(before));
    await page.setViewportSize({ width: 900, height: 600 });
    await expect.poll(() => shell.size()).not.toBe(before);
    // More than one step may lead to the new size: both are asked until they agree.
    const agree = async () => (await shell.output("stty size")) === rowsAndCols(await shell.size());
    await expect.poll(agree).toBe(true);
    await page.setViewportSize({ width: 1280, height: 800 });
    // BusyBox's shell takes the bytes of a character for characters if its window changes while it reads them.
    await expect.poll(() => shell.output("stty size")).toBe(rowsAndCols(before));
  });

  await test.step("text in other scripts comes back as it was", async () => {
    expect(await shell.output("echo 'Zürich 東京 …'")).toBe("Zürich 東京 …");
  });

  await test.step("Ctrl+C ends what runs", async () => {
    await shell.run("clear; echo asl''eep; sleep 600; echo ended-$?");
    await shell.sees(/^asleep$/m);
    await shell.press("Control+c");
    await shell.prompt();
  });

  await test.step("a reload comes back to the same shell, and its screen", async () => {
    const pid = await shell.pid();
    await shell.run("clear; echo on the scr''een");
    await shell.sees(/^on the screen$/m);
    await page.reload();
    const again = new ShellView(page);
    await again.connected();
    await again.sees(/^on the screen$/m);
    await page.locator("mc-terminal").click();
    expect(await again.pid()).toBe(pid);
  });

  await test.step("a shutdown is graceful, and keeps the disk", async () => {
    await shell.run(
      `clear; sh -c 'trap "echo trapped > /root/trapped; exit" TERM; echo armed; while :; do sleep 1; done' &`,
    );
    await shell.sees(/armed$/m);
    await alice.visit("/");
    await alice.shutDown(VM);
    await alice.start(VM);
    const next = await alice.openShell(VM);
    expect(await next.output("cat /root/note /root/trapped")).toBe("kept words\ntrapped");
  });

  await test.step("a delete leaves nothing, and frees the name", async () => {
    const id = await alice.vmId(VM);
    expect(await containersOf(id)).toEqual([`mc-${id}`]);
    expect(await vmRows(admin)).toContain(id);
    const own = await networksOf(id);
    expect(own).toHaveLength(1);
    await alice.visit("/");
    await alice.deleteVm(VM);
    await expect.poll(() => containersOf(id), { timeout: 30_000 }).toEqual([]);
    const left = async () => (await networks()).filter((name) => own.includes(name));
    await expect.poll(left, { timeout: 30_000 }).toEqual([]);
    await expect.poll(() => vmRows(admin), { timeout: 30_000 }).not.toContain(id);
    await alice.runningVm(VM);
    expect(await alice.vmId(VM)).not.toBe(id);
  });
});

test("a shell tells when its VM is shut down, and starts it again", async ({ alice }) => {
  await alice.runningVm(VM);
  const shell = await alice.openShell(VM);
  const other = await alice.page.context().newPage();
  await other.goto("/");
  await other.locator("html[data-script=on]").waitFor({ state: "attached" });
  await other.getByLabel(`More actions for ${VM}`).click();
  await other.getByRole("button", { name: "Shut down" }).click();
  await expect(shell.element).toHaveAttribute("data-state", "ended", { timeout: 30_000 });
  await alice.page.getByRole("button", { name: `Start ${VM}` }).click();
  await shell.connected();
  await shell.prompt();
});

test("two tabs see and use one shell", async ({ alice }) => {
  await alice.runningVm(VM);
  const shell = await alice.openShell(VM);
  const pid = await shell.pid();
  const tab = await alice.page.context().newPage();
  await tab.goto(alice.page.url());
  const second = new ShellView(tab);
  await second.connected();
  expect(await second.pid()).toBe(pid);
  await second.run("echo typed in the second t''ab");
  await shell.sees(/^typed in the second tab$/m);
});

test("another device, signed in as the same user, finds the shell as it is", async ({ alice, somebody }) => {
  await alice.runningVm(VM);
  const shell = await alice.openShell(VM);
  const pid = await shell.pid();
  await shell.run("clear; echo left on the first dev''ice");
  await shell.sees(/left on the first device/);
  const { page } = await somebody();
  const there = new Person(page, alice.name, true, alice.password);
  await there.signIn();
  await expect(page.getByRole("heading", { name: "Your VMs" })).toBeVisible();
  await page.getByRole("link", { name: `Shell of ${VM}` }).click();
  const second = new ShellView(page);
  await second.connected();
  await second.sees(/left on the first device/);
  expect(await second.pid()).toBe(pid);
  await second.run("echo typed on the second dev''ice");
  await shell.sees(/^typed on the second device$/m);
  await there.visit("/");
});

test("exit ends the shell with its code, and a new one is a click away", async ({ alice }) => {
  await alice.runningVm(VM);
  const shell = await alice.openShell(VM);
  const pid = await shell.pid();
  await shell.run("exit 3");
  await expect(alice.page.getByText("The shell has ended (exit code 3).")).toBeVisible();
  await alice.page.locator("mc-terminal").getByRole("link", { name: "New shell" }).click();
  const next = new ShellView(alice.page);
  await next.connected();
  await next.prompt();
  expect(await next.pid()).not.toBe(pid);
});

test("the shell page lists the VM's shells: a second one is opened, the first attached to again, both closed", async ({
  alice,
}) => {
  await alice.runningVm(VM);
  const { page } = alice;
  const first = await (await alice.openShell(VM)).pid();
  await page.getByRole("link", { name: "New shell" }).click();
  const second = new ShellView(page);
  await second.connected();
  await second.prompt();
  expect(await second.pid()).not.toBe(first);
  const shells = page.locator("summary", { hasText: "Shells: 2" });
  await shells.click();
  await page.getByRole("link", { name: /^Attach to shell/ }).click();
  const again = new ShellView(page);
  await again.connected();
  expect(await again.pid()).toBe(first);
  await shells.click();
  await page.getByRole("form", { name: /^Close shell/ }).getByRole("button").click();
  await page.locator("summary", { hasText: "Shells: 1" }).click();
  await page.getByRole("form", { name: "Close this shell" }).getByRole("button").click();
  await expect(page.getByRole("heading", { name: VM, level: 1 })).toBeVisible();
  await expect(page.getByRole("region", { name: "Shells" }).getByRole("listitem")).toHaveCount(0);
});

/** `80x24` as `stty size` says it. */
function rowsAndCols(size: string): string {
  return size.split("x").reverse().join(" ");
}
