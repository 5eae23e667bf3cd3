/** Nodes and servers that hang or die: what people are told, and what goes on. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { examineInEach } from "../support/axe.ts";
import { losesSockets } from "../support/cut.ts";
import type { Person } from "../support/person.ts";
import { dataDir, nodePid, nodeStart, serverPid, serverStart } from "../support/process.ts";
import { containersOf } from "../support/engine.ts";
import { expect, test } from "../support/test.ts";

/**
 * Promised are 15 s, and the value is printed. It takes at most 12 s: up to 2 s to the next poll, then five
 * that fail, one after the other, by their deadline of 2 s (or, where nobody listens at all, at once and 2 s apart).
 */
const UNKNOWN_MS = 45_000;
/** The admin's page asks anew every 3 s. */
const ASKED_MS = 15_000;
const BACK_MS = 30_000;
/** A server's own nodes are started again within two seconds. */
const STAYS_MS = 8_000;
/** Promised is a second from the socket's opening, or from when it is printed; the value is printed. */
const RESTORED_MS = 20_000;

/** Prints when the VM's first process began, in ticks of the machine. */
const BORN = "cut -d' ' -f22 /proc/1/stat";

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
    const began = Date.now();
    await alice.waitForState("hang1", "Unknown", UNKNOWN_MS);
    console.log(`unknown ${Date.now() - began} ms after its node began to hang`);
    await expect(nodeRow(admin, node).getByText("Unreachable")).toBeVisible({ timeout: ASKED_MS });
    await admin.visit("/admin");
    await expect(admin.page.getByText(`${node} is unreachable`)).toBeVisible();
    await examineInEach(admin.page, "/admin with a node that is unreachable");
    await examineInEach(alice.page, "/ with a VM that is unknown");
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await expect(admin.page.getByText(`${node} is unreachable`)).toBeHidden({ timeout: BACK_MS });
  await admin.visit("/admin/nodes");
  await expect(nodeRow(admin, node).getByText("Ready")).toBeVisible({ timeout: BACK_MS });
  await alice.waitForState("hang1", "Running", BACK_MS);
  expect(await containersOf(await alice.vmId("hang1"))).toHaveLength(1);
});

test("a node that is killed is started again, and its VMs and shells ran on", async ({ admin, alice, expectFailure }) => {
  test.setTimeout(180_000);
  await alice.runningVm("kill1");
  const node = /node-\d/.exec(await alice.row("kill1").innerText())?.[0] ?? "";
  const shell = await alice.openShell("kill1");
  // The shell's socket is lost, and tried again while the node is away.
  losesSockets(expectFailure);
  const began = await shell.output(`echo kept > /root/file; ${BORN}`);
  const shellPid = await shell.pid();
  const pid = await nodePid(node);
  await admin.visit("/admin/nodes");
  // Printed while nobody is there.
  await shell.run("sleep 1; echo mean''while");
  process.kill(pid, "SIGKILL");
  await expect.poll(() => nodePid(node), { timeout: BACK_MS }).not.toBe(pid);
  await expect(nodeRow(admin, node).getByText("Ready")).toBeVisible({ timeout: BACK_MS });
  await expect(shell.element).toHaveAttribute("data-state", "connected", { timeout: BACK_MS });
  await expect.poll(() => shell.text(), { timeout: RESTORED_MS }).toContain("meanwhile");
  expect(await shell.pid()).toBe(shellPid);
  await alice.visit("/");
  await alice.waitForState("kill1", "Running", BACK_MS);
  const next = await alice.openShell("kill1");
  expect(await next.output(BORN)).toBe(began);
  expect(await next.output("cat /root/file")).toContain("kept");
});

test("a server that is killed comes back to the same nodes, VMs and shells", async ({ alice, expectFailure }) => {
  test.setTimeout(180_000);
  // The sockets are lost, and tried again while nobody listens.
  losesSockets(expectFailure);
  await alice.runningVm("keep1");
  const shell = await alice.openShell("keep1");
  const pid = await shell.pid();
  const nodes = [await nodePid("node-1"), await nodePid("node-2")];
  // Printed while nobody is there.
  await shell.run("sleep 1; echo mean''while");
  process.kill(await serverPid(), "SIGKILL");
  await expect(shell.element).not.toHaveAttribute("data-state", "connected");
  await serverStart();
  await expect(shell.element).toHaveAttribute("data-state", "connected", { timeout: BACK_MS });
  const connected = Date.now();
  await expect.poll(() => shell.text(), { timeout: RESTORED_MS }).toContain("meanwhile");
  console.log(`what was printed meanwhile is there ${Date.now() - connected} ms after the socket opened`);
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
    await expect.poll(() => listens(port)).toBe(true);
    await admin.visit("/admin/nodes");
    await admin.page.getByLabel("Name", { exact: true }).fill("apart-1");
    await admin.page.getByLabel("Address").fill(`http://127.0.0.1:${port}`);
    await admin.page.getByLabel("Credential", { exact: true }).fill(credential);
    await admin.page.getByRole("button", { name: "Add node" }).click();
    await expect(nodeRow(admin, "apart-1").getByText("Ready")).toBeVisible({ timeout: BACK_MS });
    await nodeRow(admin, "apart-1").getByRole("button", { name: "Cordon apart-1", exact: true }).click();
    node.kill("SIGKILL");
    const unreachable = nodeRow(admin, "apart-1").getByText("Unreachable");
    await expect(unreachable).toBeVisible({ timeout: UNKNOWN_MS + ASKED_MS });
    // Nobody but its own admin starts it again.
    await admin.page.waitForTimeout(STAYS_MS);
    await expect(unreachable).toBeVisible();
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

/** Whether a program takes connections there already. */
async function listens(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const taken = await new Promise<boolean>((resolve) => {
    socket.once("error", () => resolve(false));
    socket.once("connect", () => resolve(true));
  });
  socket.destroy();
  return taken;
}

/** Below the range that the kernel hands out for outgoing connections: the node that has it dies, and wants it again. */
async function freePort(): Promise<number> {
  const port = 20_000 + Math.floor(Math.random() * 12_000);
  const server = createServer();
  const isFree = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
  await new Promise((resolve) => server.close(resolve));
  return isFree ? port : freePort();
}
