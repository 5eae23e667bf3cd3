/** The admin of a server under test. */

import { expect } from "@playwright/test";

import type { Person } from "./person.ts";

/** What the first test makes of `admin`; on a server of long standing, what it is already. */
export const ADMIN_PASSWORD = process.env.MINICLOUD_E2E_ADMIN_PASSWORD ?? "lantern-quarry-otter-27";
const FIRST_START_PASSWORD = "admin";

/** Whether the server still waits for its first password; `person` is left on the sign-in page. */
export async function isFirstStart(person: Person): Promise<boolean> {
  await person.visit("/login");
  return person.page.getByText("This is a new MiniCloud.").isVisible();
}

/** Signs in; on a new server by the first-start password, which is changed. */
export async function signInAsAdmin(person: Person): Promise<void> {
  if (await isFirstStart(person)) {
    await person.signIn(FIRST_START_PASSWORD);
    await chooseFirstPassword(person);
  } else {
    await person.signIn();
  }
  await expect(person.page).toHaveURL(/\/admin$/);
  await person.settled();
}

/** Ids of all VMs that there is a row of, whoever they are. */
export async function vmRows(admin: Person): Promise<string[]> {
  const answer = await admin.page.request.get("/api/v1/admin/vms?limit=200");
  expect(answer.status()).toBe(200);
  const { items } = (await answer.json()) as { items: { id: string }[] };
  return items.map(({ id }) => id);
}

/** Fills in the page that a must-change password leads to. */
export async function chooseFirstPassword(person: Person, current = FIRST_START_PASSWORD): Promise<void> {
  const { page } = person;
  await expect(page.getByRole("heading", { name: "Choose a new password" })).toBeVisible();
  await person.settled();
  await page.getByLabel("Current password").fill(current);
  await page.getByLabel("New password", { exact: true }).fill(person.password);
  await page.getByRole("button", { name: "Change password" }).click();
}
