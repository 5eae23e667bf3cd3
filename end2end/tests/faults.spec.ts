/** Nodes and servers that hang or die: what people are told, and what goes on. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Person } from "../support/person.ts";
import { dataDir, nodePid, nodeStart, serverPid, serverStart } from "../support/process.ts";
import { expect, test } from "../support/test.ts";

/** Five polls that fail, of 2 s each with a pause of 2 s between, and slack. */
const UNREACHABLE_MS = 40_000;
const BACK_MS = 30_000;

test.skip(dataDir === undefined, "the server's processes are known to script/test alone");

const nodeRow = (admin: Person, node: string) => admin.page.getByRole("row").filter({ hasText: node });

test("a node that hangs is unreachable and its VMs unknown, until it goes on", async ({ admin, alice }) => {
  test.setTimeout(180_000);
  await alice.runningVm("hang1");
  const node = /node-\d/.exec(await alice.row("hang1").innerText())?.[0] ?? "";
  const pid = await nodePid(node);
  await admin.visit("/admin/nodes");
  process.kill(pid, "SIGSTOP");
  try {
    await expect(nodeRow(admin, node).getByText("Unreachable")).toBeVisible({ timeout: UNREACHABLE_MS });
    await alice.waitForState("hang1", "Unknown", 10_000);
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await expect(nodeRow(admin, node).getByText("Ready")).toBeVisible({ timeout: BACK_MS });
  await alice.waitForState("hang1", "Running", BACK_MS);
});

test("a node that is killed is started again, and its VMs ran on", async ({ admin, alice }) => {
  test.setTimeout(180_000);
  await alice.runningVm("kill1");
  const node = /node-\d/.exec(await alice.row("kill1").innerText())?.[0] ?? "";
  const shell = await alice.openShell("kill1");
  const began = await shell.output("stat -c %Y /proc/1");
  const pid = await nodePid(node);
  await admin.visit("/admin/nodes");
  process.kill(pid, "SIGKILL");
  await expect.poll(() => nodePid(node), { timeout: BACK_MS }).not.toBe(pid);
  await expect(nodeRow(admin, node).getByText("Ready")).toBeVisible({ timeout: BACK_MS });
  await alice.visit("/");
  await alice.waitForState("kill1", "Running", BACK_MS);
  const next = await alice.openShell("kill1");
  expect(await next.output("stat -c %Y /proc/1")).toBe(began);
});

test("a server that is killed comes back to the same nodes, VMs and shells", async ({ alice, expectFailure }) => {
  test.setTimeout(180_000);
  // The sockets are lost, and tried again while nobody listens.
  expectFailure(/console (error|warning): .*(WebSocket|ERR_CONNECTION|net::)/);
  await alice.runningVm("keep1");
  const shell = await alice.openShell("keep1");
  const pid = await shell.pid();
  const nodes = [await nodePid("node-1"), await nodePid("node-2")];
  process.kill(await serverPid(), "SIGKILL");
  await expect(shell.element).not.toHaveAttribute("data-state", "connected");
  await serverStart();
  await expect(shell.element).toHaveAttribute("data-state", "connected", { timeout: BACK_MS });
  expect(await shell.pid()).toBe(pid);
  expect([await nodePid("node-1"), await nodePid("node-2")]).toEqual(nodes);
  await alice.visit("/");
  await alice.waitForState("keep1", "Running", BACK_MS);
});

test("a node started apart is added, and stays unreachable until it is started again", async ({ admin }) => {
  test.setTimeout(180_000);
  const folder = await mkdtemp(join(tmpdir(), "minicloud-node."));
  const credential = "5".repeat(64);
  const file = join(folder, "credential");
  await writeFile(file, credential, { mode: 0o600 });
  const port = await freePort();
  let node = nodeStart("apart-1", port, file);
  try {
    await admin.visit("/admin/nodes");
    await admin.page.getByLabel("Name", { exact: true }).fill("apart-1");
    await admin.page.getByLabel("Address").fill(`http://127.0.0.1:${port}`);
    await admin.page.getByLabel("Credential", { exact: true }).fill(credential);
    await admin.page.getByRole("button", { name: "Add node" }).click();
    await expect(nodeRow(admin, "apart-1").getByText("Ready")).toBeVisible({ timeout: BACK_MS });
    await nodeRow(admin, "apart-1").getByRole("button", { name: "Cordon apart-1", exact: true }).click();
    node.kill("SIGKILL");
    await expect(nodeRow(admin, "apart-1").getByText("Unreachable")).toBeVisible({ timeout: UNREACHABLE_MS });
    node = nodeStart("apart-1", port, file);
    await expect(nodeRow(admin, "apart-1").getByText("Ready")).toBeVisible({ timeout: BACK_MS });
    await admin.page.goto("/admin/nodes/apart-1/remove");
    await admin.settled();
    await admin.page.getByRole("button", { name: "Remove apart-1" }).click();
    await expect(admin.page.getByRole("heading", { name: "Nodes" })).toBeVisible();
    await expect(nodeRow(admin, "apart-1")).toHaveCount(0);
  } finally {
    node.kill("SIGKILL");
    await rm(folder, { recursive: true });
  }
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
