/** A shell is shared: the owner makes a link, somebody accepts it, watches, and is put out again. */

import type { Page } from "@playwright/test";

import type { Person } from "../support/person.ts";
import { recordSecret } from "../support/secret.ts";
import { ShellView } from "../support/shell.ts";
import { expect, test } from "../support/test.ts";

/** Opens the dialog of the shell's page; it stays open. */
async function openShare(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Share" }).click();
  await expect(page.getByRole("heading", { name: "Share this shell of" })).toBeVisible();
}

/** Makes a link in the open dialog; answers its path. */
async function makeLink(page: Page, mode: "watch" | "type"): Promise<string> {
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("They may").selectOption(mode);
  await dialog.getByRole("button", { name: "Make a link" }).click();
  await expect(dialog.getByText("The link is shown only now.")).toBeVisible();
  const link = (await dialog.locator(".copy-fact code").innerText()).trim();
  recordSecret("invitation", link.slice(link.lastIndexOf("/") + 1));
  return new URL(link).pathname;
}

/** Follows the link and accepts. */
async function accept(person: Person, link: string): Promise<ShellView> {
  await person.visit(link);
  await person.page.getByRole("button", { name: "Accept" }).click();
  const shell = new ShellView(person.page);
  await shell.connected();
  return shell;
}

test("a guest watches a shell, cannot type in it, and is out when it is taken back", async ({
  alice,
  bob,
  expectFailure,
}) => {
  test.setTimeout(240_000);
  expectFailure(/status 404: GET .*\/(invitations|shared|shells|vms|shell)\//);
  expectFailure(/console error: Failed to load resource.*404/);
  await alice.runningVm("desk1");
  const shell = await alice.openShell("desk1");
  await shell.run("echo before-the-guest");
  const { page } = alice;
  await openShare(page);
  const link = await makeLink(page, "watch");
  await expect(page.getByRole("dialog").getByText("not accepted yet")).toBeVisible();

  await test.step("who is not signed in is led to the invitation by the sign-in", async () => {
    await bob.signOut();
    await bob.page.goto(link);
    await expect(bob.page).toHaveURL(/\/login\?next=/);
    await bob.settled();
    await bob.page.getByLabel("User name").fill(bob.name);
    await bob.page.getByLabel("Password", { exact: true }).fill(bob.password);
    await bob.page.getByRole("button", { name: "Sign in" }).click();
    await expect(bob.page.getByRole("heading", { name: "invites you to watch a shell" })).toBeVisible();
  });

  const watched = await test.step("accepted, it shows what the shell shows", async () => {
    const seen = await accept(bob, link);
    await seen.sees(/before-the-guest/);
    await expect(bob.page.getByText("Watching", { exact: true })).toBeVisible();
    return seen;
  });

  await test.step("the owner sees who is there", async () => {
    await expect(page.getByRole("dialog").getByText("here now")).toBeVisible();
    await expect(page.getByText("1 here")).toBeVisible();
  });

  await test.step("what the guest types goes nowhere", async () => {
    await watched.element.click();
    await watched.run("echo typed-by-guest");
    await page.getByRole("button", { name: "Done" }).click();
    await shell.element.click();
    await shell.run("echo typed-by-owner");
    expect(await watched.sees(/^typed-by-owner$/m)).not.toContain("typed-by-guest");
    expect(await shell.text()).not.toContain("typed-by-guest");
  });

  await test.step("nothing else of the VM is the guest's, and the link is used up", async () => {
    for (const path of ["/vms/desk1", "/shell/desk1", link]) {
      expect((await bob.page.request.get(path)).status(), path).toBe(404);
    }
    const other = await bob.page.context().newPage();
    await other.goto("/");
    await expect(other.getByRole("heading", { name: "Shared with you" })).toBeVisible();
    await other.close();
  });

  await test.step("taken back, the guest is out within 5 s and is told so", async () => {
    await openShare(page);
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: `Take back from ${bob.name}` }).click();
    await watched.isOutAfter("it was taken back", () => dialog.getByRole("button", { name: "Take it back" }).click());
    await expect(bob.page.getByText("Your access to this shell has ended")).toBeVisible();
    await expect(dialog.getByText(bob.name)).toHaveCount(0);
    await bob.visit("/");
    await expect(bob.page.getByText("Shared with you")).toHaveCount(0);
  });

  await test.step("the events tell of it", async () => {
    await page.getByRole("button", { name: "Done" }).click();
    await alice.visit("/vms/desk1");
    const events = page.getByRole("region", { name: "Events" });
    for (const words of ["accepted an invitation to watch", "came into a shell", "took back from"]) {
      await expect(events.getByText(words).first()).toBeVisible();
    }
  });
});

test("a guest who may type types, and leaves", async ({ alice, bob }) => {
  test.setTimeout(180_000);
  await alice.runningVm("desk2");
  const shell = await alice.openShell("desk2");
  await openShare(alice.page);
  const link = await makeLink(alice.page, "type");
  await alice.visit(link);
  await expect(alice.page.getByRole("heading", { name: "This is your own invitation" })).toBeVisible();
  const guests = await accept(bob, link);
  await guests.prompt();
  await guests.run("echo from-$((40 + 2))-guest");
  await guests.sees(/^from-42-guest$/m);
  await alice.page.getByRole("link", { name: "Open the shell" }).click();
  await shell.connected();
  await shell.sees(/^from-42-guest$/m);
  await bob.page.getByRole("button", { name: "Leave" }).click();
  await expect(bob.page.getByRole("heading", { name: "Your VMs" })).toBeVisible();
  await expect(bob.page.getByText("Shared with you")).toHaveCount(0);
});

test("an invitation is accepted without script, too", async ({ alice, somebody, expectFailure }) => {
  test.setTimeout(180_000);
  expectFailure(/console warning: .*was preloaded using link preload but not used/);
  const guest = await somebody({ javaScriptEnabled: false });
  await guest.register();
  await alice.runningVm("desk3");
  await alice.openShell("desk3");
  await openShare(alice.page);
  const link = await makeLink(alice.page, "watch");
  await guest.page.goto(link);
  await guest.page.getByRole("button", { name: "Accept" }).click();
  await expect(guest.page).toHaveURL(/\/shared\//);
  await guest.page.goto("/");
  await guest.page.getByRole("button", { name: "Leave" }).click();
  await expect(guest.page.getByText("Shared with you")).toHaveCount(0);
});
