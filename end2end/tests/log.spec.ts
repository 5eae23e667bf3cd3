/** The log page: held while one reads, and filtered by level and text. */

import type { Person } from "../support/person.ts";
import { expect, freshName, test } from "../support/test.ts";

const lines = ({ page }: Person) => page.getByRole("log").locator(".log-line");

/** Has the server log a warning that holds `mark`. */
async function warn({ page }: Person, mark: string): Promise<void> {
  const headers = { Origin: `http://${mark}.example` };
  const answer = await page.request.post("/api/vm_stop", { headers, form: { name: "none" } });
  expect(answer.status()).toBe(403);
}

test("what comes while the log is paused is counted, and drawn when one goes on", async ({ admin }) => {
  const mark = freshName("held");
  await admin.visit("/admin/logs");
  await admin.page.getByRole("button", { name: "Pause" }).click();
  await expect(admin.page.getByRole("button", { name: "Follow" })).toBeVisible();
  await warn(admin, mark);
  const held = admin.page.getByRole("button", { name: /new lines? ↓/ });
  await expect(held).toBeVisible();
  await expect(lines(admin).filter({ hasText: mark })).toHaveCount(0);
  await held.click();
  await expect(lines(admin).filter({ hasText: mark })).toHaveCount(1);
  await expect(held).toHaveCount(0);
  await expect(admin.page.getByRole("button", { name: "Pause" })).toBeVisible();
});

test("the log is filtered by level and by text, in the address, too", async ({ admin, alice }) => {
  const { page } = admin;
  const mark = freshName("worse");
  await warn(admin, mark);
  await admin.visit("/admin/logs");
  // That she made an account is of level info.
  await expect(lines(admin).filter({ hasText: alice.name }).first()).toBeVisible();

  await page.getByLabel("Level").selectOption("Warnings and errors");
  await expect(page).toHaveURL(/[?&]level=warn\b/);
  await warn(admin, mark);
  await expect(lines(admin).filter({ hasText: mark }).first()).toBeVisible();
  await expect(lines(admin).filter({ hasText: alice.name })).toHaveCount(0);
  const levels = await lines(admin).locator(".log-level").allInnerTexts();
  expect(levels.filter((level) => !["WARN", "ERROR"].includes(level))).toEqual([]);

  await page.getByLabel("Text").fill(mark);
  await expect(page).toHaveURL(new RegExp(`[?&]text=${mark}\\b`));
  await expect(lines(admin).filter({ hasNotText: mark })).toHaveCount(0);
  await expect(lines(admin).first()).toContainText(mark);

  await page.reload();
  await admin.settled();
  await expect(lines(admin).first()).toContainText(mark);
  await expect(lines(admin).filter({ hasNotText: mark })).toHaveCount(0);
  await expect(page.getByLabel("Level")).toHaveValue("warn");
  await page.getByRole("link", { name: "Clear" }).click();
  await expect(lines(admin).filter({ hasText: alice.name }).first()).toBeVisible();
});
