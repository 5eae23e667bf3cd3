/** Deleting an account: what is left of it. */

import { vmRows } from "../support/admin.ts";
import { containersOf, networks, networksOf } from "../support/engine.ts";
import { expect, test } from "../support/test.ts";

const GONE_MS = 60_000;

test("a deleted account leaves no container, no network and no row, and its name is free", async ({ admin, somebody }) => {
  test.setTimeout(240_000);
  const carol = await somebody();
  await carol.register();
  const ids: string[] = [];
  const own = new Set<string>();
  for (const vm of ["runs1", "sleeps1"]) {
    await carol.visit("/");
    await carol.runningVm(vm);
    const id = await carol.vmId(vm);
    expect(await containersOf(id)).toEqual([`mc-${id}`]);
    for (const network of await networksOf(id)) own.add(network);
    ids.push(id);
  }
  await carol.visit("/");
  await carol.shutDown("sleeps1");
  // Of a bridge a node; both may be on one.
  expect(own.size).toBeGreaterThan(0);
  expect(await vmRows(admin)).toEqual(expect.arrayContaining(ids));

  await carol.deleteAccount();

  const containers = async () => (await Promise.all(ids.map(containersOf))).flat();
  await expect.poll(containers, { timeout: GONE_MS }).toEqual([]);
  await expect.poll(async () => (await networks()).filter((name) => own.has(name)), { timeout: GONE_MS }).toEqual([]);
  await expect.poll(async () => (await vmRows(admin)).filter((id) => ids.includes(id)), { timeout: GONE_MS }).toEqual([]);
  const user = await admin.page.request.get(`/api/v1/admin/users/${carol.name}`);
  expect(user.status()).toBe(404);
  await carol.register();
  await expect(carol.page.getByRole("heading", { name: "No VMs yet" })).toBeVisible();
});
