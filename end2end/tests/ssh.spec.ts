/** SSH keys on the account page, and the commands that the pages show: they are used as they stand. */

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { containersOf, portsOf } from "../support/engine.ts";
import type { Person } from "../support/person.ts";
import { ShellView } from "../support/shell.ts";
import { expect, test } from "../support/test.ts";

const run = promisify(execFile);
const SSH_MS = 30_000;
const GONE_MS = 30_000;

interface Key {
  folder: string;
  line: string;
}

async function withKey(use: (key: Key) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "minicloud-ssh-"));
  try {
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "laptop", "-f", join(folder, "id")]);
    await use({ folder, line: (await readFile(join(folder, "id.pub"), "utf8")).trim() });
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function addKey(person: Person, line: string): Promise<void> {
  await person.visit("/account");
  const section = person.page.getByRole("region", { name: "SSH keys" });
  await section.getByLabel("Public key").fill(line);
  await section.getByRole("button", { name: "Add key" }).click();
}

/** Whether somebody takes connections at a port of this host. */
function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** That key alone, and no file of this machine's own. */
function ownOptions(folder: string): string[] {
  const fixed = ["-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new"];
  const known = `UserKnownHostsFile=${join(folder, "known")}`;
  return ["-F", "/dev/null", "-i", join(folder, "id"), "-o", known, ...fixed];
}

for (const scripted of [true, false]) {
  test.describe(scripted ? "with script" : "without script", () => {
    test.use({ javaScriptEnabled: scripted });

    test("a key is added and removed; what is none is said beside the field", async ({ alice, expectFailure }) => {
      expectFailure(/console warning: .*was preloaded using link preload but not used/);
      expectFailure(/status 4\d\d: POST .*\/api\/ssh_key_add/);
      expectFailure(/console error: Failed to load resource.*4\d\d/);
      await withKey(async ({ line }) => {
        const section = alice.page.getByRole("region", { name: "SSH keys" });
        await addKey(alice, "ssh-ed25519 nonsense");
        const field = section.getByLabel("Public key");
        await expect(field).toHaveAttribute("aria-invalid", "true");
        // A plain form carries no keys back: somebody may have pasted the private half.
        await expect(field).toHaveValue(scripted ? "ssh-ed25519 nonsense" : "");
        await addKey(alice, line);
        await expect(section.getByText("laptop", { exact: true })).toBeVisible();
        await expect(section.getByText("never used")).toBeVisible();
        await section.getByRole("form", { name: "Remove laptop" }).getByRole("button").click();
        await expect(section.getByText("You have no key here yet.")).toBeVisible();
      });
    });
  });
}

test("the shown command and the shown block lead into the VM", async ({ alice }) => {
  await alice.visit("/");
  await alice.runningVm("web1");
  await withKey(async ({ folder, line }) => {
    await addKey(alice, line);
    const section = alice.page.getByRole("region", { name: "SSH keys" });
    await section.getByText("For ~/.ssh/config").click();
    const block = await section.getByLabel("Block for ~/.ssh/config", { exact: true }).innerText();
    const fingerprint = await section.getByText(/^SHA256:/).last().innerText();
    const known = join(folder, "known");
    const rest = `\nHost *\n IdentityFile ${folder}/id\n IdentitiesOnly yes\n BatchMode yes\n UserKnownHostsFile ${known}\n`;
    await writeFile(join(folder, "config"), `${block}${rest} StrictHostKeyChecking accept-new\n`);
    const config = ["-F", join(folder, "config")];
    const byBlock = await run("ssh", [...config, "web1", "hostname"], { timeout: SSH_MS });
    expect(byBlock.stdout).toBe("web1\n");
    const seen = await run("ssh-keygen", ["-l", "-f", known]);
    expect(seen.stdout).toContain(fingerprint);
    await alice.visit("/vms/web1");
    const command = await alice.page.getByText(/^ssh -p \d+ web1@/).innerText();
    const [, ...words] = command.split(" ");
    const byCommand = await run("ssh", [...config, ...words, "hostname"], { timeout: SSH_MS });
    expect(byCommand.stdout).toBe("web1\n");
    await alice.visit("/account");
    await expect(section.getByText(/used (just now|\d+ (s|min) ago)/)).toBeVisible();
  });
});

test("a VM's own SSH is published for who has a key, the shown command leads there, and a delete frees its port", async ({
  alice,
}) => {
  test.setTimeout(240_000);
  const publish = alice.page.getByLabel("Publish SSH (port 22)");
  await alice.visit("/vms/new");
  await expect(publish).toBeHidden();
  await alice.page.locator("summary", { hasText: /^More$/ }).click();
  await expect(publish).toBeDisabled();
  await expect(alice.page.getByText("There is no SSH key on your account")).toBeVisible();
  await withKey(async ({ folder, line }) => {
    await addKey(alice, line);
    await alice.visit("/");
    await alice.runningVm("web2", { image: "base", publishSsh: true });
    await alice.visit("/vms/web2");
    const command = await alice.page.getByText(/^ssh -p \d+ root@/).innerText();
    await expect(alice.page.getByText("Its SSH server is being started.")).toBeHidden({ timeout: 60_000 });
    const [, ...words] = command.split(" ");
    const direct = await run("ssh", [...ownOptions(folder), ...words, "hostname"], { timeout: SSH_MS });
    expect(direct.stdout).toBe("web2\n");

    const port = Number(/-p (\d+)/.exec(command)?.[1]);
    const id = await alice.vmId("web2");
    expect(await portsOf(id)).toEqual([`22/tcp -> 127.0.0.1:${port}`]);
    expect(await listens(port)).toBe(true);
    await alice.visit("/");
    await alice.deleteVm("web2");
    await expect.poll(() => containersOf(id), { timeout: GONE_MS }).toEqual([]);
    await expect.poll(() => listens(port), { timeout: GONE_MS }).toBe(false);
  });
});

test("a shell that ssh has opened is joined in the browser: both see what either types", async ({ alice }) => {
  await alice.visit("/");
  await alice.runningVm("web1");
  await withKey(async ({ folder, line }) => {
    await addKey(alice, line);
    await alice.visit("/vms/web1");
    const command = await alice.page.getByText(/^ssh -p \d+ web1@/).innerText();
    const [, ...words] = command.split(" ");
    const ssh = spawn("ssh", [...ownOptions(folder), "-tt", ...words]);
    const ended = once(ssh, "exit");
    let seen = "";
    ssh.stdout.on("data", (part: Buffer) => {
      seen += part.toString();
    });
    ssh.stderr.resume();
    const printed = (text: string) => expect.poll(() => seen, { timeout: SSH_MS }).toContain(text);
    try {
      // Only what is printed holds the number.
      ssh.stdin.write("echo by-ssh-$((40 + 2))\n");
      await printed("by-ssh-42");
      await alice.visit("/vms/web1");
      const shells = alice.page.getByRole("region", { name: "Shells" });
      await shells.getByRole("link", { name: /^Attach to shell/ }).click();
      const shell = new ShellView(alice.page);
      await shell.connected();
      await shell.sees(/by-ssh-42/);
      await shell.run("echo by-page-$((50 + 2))");
      await shell.sees(/by-page-52/);
      await printed("by-page-52");
      await shell.run("exit 5");
      await expect(shell.element).toHaveAttribute("data-state", "ended", { timeout: SSH_MS });
      expect((await ended)[0]).toBe(5);
    } finally {
      ssh.kill();
    }
  });
});
