/** The catalogue of images, as an admin keeps it, and what a user sees of an image that cannot be had. */

import type { Person } from "../support/person.ts";
import { slowRegistry } from "../support/registry.ts";
import { expect, test } from "../support/test.ts";

test("an image is added, made the default, and removed", async ({ admin, alice }) => {
  const { page } = admin;
  // As registries name them: no name for a VM.
  const extra = "lab/extra1.2";
  const row = (image: string) => page.getByRole("row").filter({ has: page.getByText(image, { exact: true }) });
  const offered = (image: string) => alice.page.getByRole("radio", { name: new RegExp(`\\b${image}\\b`) });
  await admin.visit("/admin/images");
  await expect(row("base").getByText("Default", { exact: true })).toBeVisible();

  const name = page.getByLabel("Name", { exact: true });
  await name.fill("Extra");
  await expect(name).toHaveAttribute("aria-invalid", "true");
  await name.fill(extra);
  await expect(name).not.toHaveAttribute("aria-invalid");
  await page.getByLabel("Reference").fill("minicloud/base");
  await page.getByLabel("One line about it").fill("The same by another name");
  await page.getByRole("button", { name: "Add image" }).click();
  await expect(page.getByText(`${extra} is in the catalogue.`)).toBeVisible();
  await expect(row(extra)).toContainText("On 2 nodes");

  try {
    await row(extra).getByRole("button", { name: `Make default ${extra}` }).click();
    await expect(row(extra).getByText("Default", { exact: true })).toBeVisible();
    await alice.visit("/vms/new");
    await expect(offered(extra)).toBeChecked();
  } finally {
    await row("base").getByRole("button", { name: "Make default base" }).click();
    await expect(row("base").getByText("Default", { exact: true })).toBeVisible();
  }

  await row(extra).getByLabel(`Remove ${extra}`).click();
  await expect(row(extra).getByText(`Remove ${extra} from the catalogue?`)).toBeVisible();
  await row(extra).getByRole("button", { name: "Remove", exact: true }).click();
  await expect(row(extra)).toHaveCount(0);
  await alice.visit("/vms/new");
  await expect(offered("base")).toBeChecked();
  await expect(offered(extra)).toHaveCount(0);
});

test("a VM whose image cannot be fetched fails with the engine's reason, and offers Retry and Delete", async ({
  admin,
  alice,
}) => {
  test.setTimeout(180_000);
  const { page } = admin;
  const row = page.getByRole("row").filter({ has: page.getByText("nowhere", { exact: true }) });
  await admin.visit("/admin/images");
  await page.getByLabel("Name", { exact: true }).fill("nowhere");
  // Nobody listens there.
  await page.getByLabel("Reference").fill("127.0.0.1:9/nowhere");
  await page.getByRole("button", { name: "Add image" }).click();
  await expect(row).toBeVisible();
  try {
    await alice.createVm("lost1", { image: "nowhere" });
    await alice.waitForState("lost1", "Failed");
    await expect(alice.row("lost1")).toContainText(/refused/);
    const failed = await changedAt(alice, "lost1");
    await alice.row("lost1").getByRole("button", { name: "Retry" }).click();
    // It may fail again before a page has drawn what lies between.
    await expect.poll(() => changedAt(alice, "lost1"), { timeout: 60_000 }).toBeGreaterThan(failed);
    await alice.waitForState("lost1", "Failed");
    await alice.deleteVm("lost1");
  } finally {
    await row.getByLabel("Remove nowhere").click();
    await row.getByRole("button", { name: "Remove", exact: true }).click();
    await expect(row).toHaveCount(0);
  }
});

test("a VM whose image has to be fetched shows how far that is, in percent, and then runs", async ({ admin, alice }) => {
  test.setTimeout(180_000);
  const { page } = admin;
  const row = page.getByRole("row").filter({ has: page.getByText("faraway", { exact: true }) });
  const registry = await slowRegistry();
  try {
    await admin.visit("/admin/images");
    await page.getByLabel("Name", { exact: true }).fill("faraway");
    await page.getByLabel("Reference").fill(registry.reference);
    await page.getByRole("button", { name: "Add image" }).click();
    await expect(row).toBeVisible();
    await alice.createVm("pull1", { image: "faraway" });
    let before = -1;
    for (const part of [0.25, 0.5, 0.75]) {
      registry.letThrough(part);
      await expect.poll(() => pulled(alice, "pull1"), { timeout: 60_000 }).toBeGreaterThan(before);
      before = await pulled(alice, "pull1");
    }
    registry.letThrough(1);
    await alice.waitForState("pull1", "Running");
    const shell = await alice.openShell("pull1");
    expect(await shell.output("stat -c %s /new")).toBe("32");
    await alice.visit("/");
    await alice.deleteVm("pull1");
  } finally {
    await registry.close();
    await row.getByLabel("Remove faraway").click();
    await row.getByRole("button", { name: "Remove", exact: true }).click();
    await expect(row).toHaveCount(0);
  }
});

/** When its state changed last. */
async function changedAt(person: Person, name: string): Promise<number> {
  const answer = await person.page.request.get(`/api/v1/vms/${name}`);
  return ((await answer.json()) as { changed_at: number }).changed_at;
}

/** The percent that the dashboard shows; -1 while it shows none. */
async function pulled(person: Person, name: string): Promise<number> {
  const percent = /Pulling[^%]*?(\d+) ?%/.exec(await person.row(name).innerText())?.[1];
  return percent === undefined ? -1 : Number(percent);
}
