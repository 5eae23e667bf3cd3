/** What an admin changes of a user, and two admins who change the same one. */

import type { Page } from "@playwright/test";

import { chooseFirstPassword } from "../support/admin.ts";
import type { Person } from "../support/person.ts";
import { recordName, recordSecret } from "../support/secret.ts";
import { expect, test } from "../support/test.ts";

const role = (page: Page) => page.getByRole("region", { name: "Role" });
const quota = (page: Page) => page.getByRole("region", { name: "May have" });
const field = (page: Page, label: string) => quota(page).getByLabel(label, { exact: true });

async function saveQuota(page: Page): Promise<void> {
  await quota(page).getByRole("button", { name: "Save quota" }).click();
}

/** Saves a role on the user's page. */
async function give(admin: Person, name: string, wanted: string): Promise<void> {
  await admin.visit(`/admin/users/${name}`);
  await role(admin.page).getByLabel("What they may").selectOption(wanted);
  await role(admin.page).getByRole("button", { name: "Save role" }).click();
  await expect(role(admin.page).getByText("Saved.")).toBeVisible();
}

test("who is made an admin is one at once, and no longer when it is taken back", async ({ admin, alice, expectFailure }) => {
  expectFailure(/status 404: GET .*\/admin/);
  expectFailure(/console error: Failed to load resource.*404/);
  // What is open ends with the role; that is looked at elsewhere.
  await alice.page.goto("about:blank");
  await give(admin, alice.name, "admin");
  await alice.visit("/admin");
  await expect(alice.page.getByRole("navigation", { name: "Admin" })).toBeVisible();
  await alice.page.goto("about:blank");
  await give(admin, alice.name, "member");
  await alice.visit("/admin");
  await expect(alice.page.getByRole("heading", { name: "There is nothing here" })).toBeVisible();
});

test("a one-time password that an admin gives leads to a new one, and the old one nowhere", async ({
  admin,
  alice,
  expectFailure,
}) => {
  expectFailure(/status 401: POST .*\/api\/login/);
  expectFailure(/console error: Failed to load resource.*401/);
  // What is open ends with the reset; that is looked at elsewhere.
  await alice.page.goto("about:blank");
  await admin.visit(`/admin/users/${alice.name}`);
  const section = admin.page.getByRole("region", { name: "Password", exact: true });
  await section.getByRole("button", { name: "Reset password" }).click();
  await expect(section.getByText("The one-time password is shown only now.")).toBeVisible();
  const once = (await section.locator(".copy-fact code").innerText()).trim();
  recordSecret("one-time password", once);
  await alice.signIn();
  await expect(alice.page.getByText("The name or the password is wrong.")).toBeVisible();
  await alice.signIn(once);
  await chooseFirstPassword(alice, once);
  await expect(alice.page.getByRole("heading", { name: "Your VMs" })).toBeVisible();
});

for (const scripted of [true, false]) {
  test(`who is added by an admin signs in once, and chooses a password, ${scripted ? "with" : "without"} script`, async ({
    admin,
    alice,
    somebody,
    browser,
    baseURL,
    expectFailure,
    watch,
  }) => {
    expectFailure(/status 409: POST .*\/api\/user_create/);
    expectFailure(/console error: Failed to load resource.*409/);
    expectFailure(/console warning: .*was preloaded using link preload but not used/);
    const storageState = await admin.page.context().storageState();
    const context = await browser.newContext({ javaScriptEnabled: scripted, storageState, ...(baseURL !== undefined && { baseURL }) });
    watch.follow(context);
    const page = await context.newPage();
    await page.goto("/admin/users");
    if (scripted) await page.locator("html[data-script=on]").waitFor({ state: "attached" });
    const section = page.getByRole("region", { name: "Add a user" });
    const name = section.getByLabel("User name");
    const add = section.getByRole("button", { name: "Add user" });
    await page.getByRole("link", { name: "Add user" }).click();
    if (scripted) await expect(name).toBeFocused();

    await name.fill(alice.name);
    await add.click();
    await expect(name).toHaveAttribute("aria-invalid", "true");
    await expect(name).toHaveAccessibleDescription(new RegExp(`The name ${alice.name} is taken`));
    await expect(name).toHaveValue(alice.name);

    const carol = await somebody();
    recordName(carol.name);
    await name.fill(carol.name);
    await add.click();
    await expect(page.getByText("The one-time password is shown only now.")).toBeVisible();
    const once = (await page.locator(".copy-fact code").innerText()).trim();
    recordSecret("one-time password", once);
    await page.goto(`/admin/users?text=${carol.name}`);
    await expect(page.getByRole("row").filter({ hasText: carol.name })).toContainText("Must change password");
    await expect(page.getByText(once)).toHaveCount(0);
    await context.close();

    await carol.signIn(once);
    await chooseFirstPassword(carol, once);
    await expect(carol.page.getByRole("heading", { name: "Your VMs" })).toBeVisible();
  });
}

test("a quota that an admin sets is the one that counts", async ({ admin, alice }) => {
  await admin.visit(`/admin/users/${alice.name}`);
  await field(admin.page, "VMs").fill("1");
  await saveQuota(admin.page);
  await expect(quota(admin.page).getByText("Saved.")).toBeVisible();
  await expect(admin.page.getByText("0 of 1")).toBeVisible();
  await alice.visit("/");
  await alice.createVm("only1");
  await alice.page.getByRole("link", { name: "New VM" }).first().click();
  await expect(alice.page.getByText("You have 1 VM, as many as you may.")).toBeVisible();
});

for (const scripted of [true, false]) {
  test(`of two admins the slower one is told what is set now, ${scripted ? "with" : "without"} script`, async ({
    admin,
    alice,
    browser,
    baseURL,
    expectFailure,
    watch,
  }) => {
    expectFailure(/status 409: POST .*\/api\/user_quota/);
    expectFailure(/console error: Failed to load resource.*409/);
    expectFailure(/console warning: .*was preloaded using link preload but not used/);
    const storageState = await admin.page.context().storageState();
    const context = await browser.newContext({ javaScriptEnabled: scripted, storageState, ...(baseURL !== undefined && { baseURL }) });
    watch.follow(context);
    const slow = await context.newPage();
    await slow.goto(`/admin/users/${alice.name}`);
    if (scripted) await slow.locator("html[data-script=on]").waitFor({ state: "attached" });

    await admin.visit(`/admin/users/${alice.name}`);
    await field(admin.page, "VMs").fill("7");
    await saveQuota(admin.page);
    await expect(quota(admin.page).getByText("Saved.")).toBeVisible();

    await field(slow, "Memory in MiB").fill("8192");
    await saveQuota(slow);
    await expect(quota(slow).getByText(`Somebody else has changed ${alice.name} meanwhile; nothing was saved.`)).toBeVisible();
    await expect(field(slow, "VMs")).toHaveValue("7");
    // What was typed is still there where the page was not loaded anew; the other fields are as they are now.
    await expect(field(slow, "Memory in MiB")).toHaveValue(scripted ? "8192" : "4096");
    await field(slow, "Memory in MiB").fill("8192");
    await saveQuota(slow);
    await expect(quota(slow).getByText("Somebody else has changed")).toHaveCount(0);

    await admin.visit(`/admin/users/${alice.name}`);
    await expect(field(admin.page, "VMs")).toHaveValue("7");
    await expect(field(admin.page, "Memory in MiB")).toHaveValue("8192");
    await context.close();
  });
}
