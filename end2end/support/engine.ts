/** What the Docker engine itself says, to hold against what the pages show. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const DEADLINE_MS = 15_000;

/** Names of a VM's containers, running or not; it should be one while the VM lives. */
export async function containersOf(vmId: string): Promise<string[]> {
  return lines(["ps", "--all", "--filter", `name=mc-${vmId}`, "--format", "{{.Names}}"]);
}

/** All that the engine knows of the VM's container, as JSON. */
export async function inspect(vmId: string): Promise<string> {
  return (await lines(["inspect", `mc-${vmId}`])).join("\n");
}

/** Networks the VM's container is in. */
export async function networksOf(vmId: string): Promise<string[]> {
  const format = "{{range $name, $_ := .NetworkSettings.Networks}}{{println $name}}{{end}}";
  return lines(["inspect", "--format", format, `mc-${vmId}`]);
}

/** Ports of the host that lead to the VM's container. */
export async function portsOf(vmId: string): Promise<string[]> {
  return lines(["port", `mc-${vmId}`]);
}

/** All networks of the engine. */
export async function networks(): Promise<string[]> {
  return lines(["network", "ls", "--format", "{{.Name}}"]);
}

async function lines(args: string[]): Promise<string[]> {
  const { stdout } = await run("docker", args, { timeout: DEADLINE_MS });
  return stdout.split("\n").filter((line) => line !== "");
}
