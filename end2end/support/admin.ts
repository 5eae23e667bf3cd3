/** The admin of a server under test. */

import { expect } from "@playwright/test";

import { baseURL } from "../playwright.config.ts";
import type { Person } from "./person.ts";

/** What the first test makes of `admin`; on a server of long standing, what it is already. */
export const ADMIN_PASSWORD = process.env.MINICLOUD_E2E_ADMIN_PASSWORD ?? "lantern-quarry-otter-27";
const FIRST_START_PASSWORD = "admin";

/** What a change by a browser's cookie has to say. */
const OWN = { Origin: baseURL };

/** What the sign-in page says while the server still waits for its first password. */
export const NEW = "This is a new MiniCloud.";

/** Whether it does. By what the server sends: a page could be looked at too early. */
export async function isFirstStart({ page }: Person): Promise<boolean> {
  const answer = await page.request.get("/login");
  expect(answer.status()).toBe(200);
  return (await answer.text()).includes(NEW);
}

/** Signs in; on a new server by the first-start password, which is changed. */
export async function signInAsAdmin(person: Person): Promise<void> {
  if (await isFirstStart(person)) {
    await person.signIn(FIRST_START_PASSWORD);
    await chooseFirstPassword(person);
  } else {
    await person.enter();
    await person.visit("/admin");
  }
  await expect(person.page).toHaveURL(/\/admin$/);
  await person.settled();
}

/** Ids of all VMs that there is a row of, whoever they are; of those in that state alone, where one is given. */
export async function vmRows(admin: Person, wanted?: string): Promise<string[]> {
  const answer = await admin.page.request.get("/api/v1/admin/vms?limit=200");
  expect(answer.status()).toBe(200);
  const { items } = (await answer.json()) as { items: { id: string; state: string }[] };
  return items.filter(({ state }) => wanted === undefined || state === wanted).map(({ id }) => id);
}

/** Sets how many VMs somebody may have. */
export async function allowVms(admin: Person, name: string, vms: number): Promise<void> {
  const data = { vms, cpu_millis: 4000, memory_mib: 4096, disk_gib: 20 };
  const answer = await admin.page.request.put(`/api/v1/admin/users/${name}/quota`, { headers: OWN, data });
  expect(answer.status(), await answer.text()).toBe(200);
}

/** While the catalogue has an image that cannot be fetched: nobody listens where it should be. */
export async function withLostImage(admin: Person, name: string, use: () => Promise<void>): Promise<void> {
  const images = "/api/v1/admin/images";
  const data = { name, reference: `127.0.0.1:9/${name}` };
  const added = await admin.page.request.post(images, { headers: OWN, data });
  expect(added.status(), await added.text()).toBe(201);
  try {
    await use();
  } finally {
    const removed = await admin.page.request.delete(`${images}/${name}`, { headers: OWN });
    expect(removed.status()).toBe(204);
  }
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
