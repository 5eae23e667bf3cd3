/**
 * No secret of the run in clear in a log, the database, an argument or an environment. Runs after all other
 * tests, however few, and looks for what they used; the first test here uses one of each kind itself.
 */

import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import type { APIRequestContext } from "@playwright/test";

import { chooseFirstPassword } from "../support/admin.ts";
import { inspect } from "../support/engine.ts";
import type { Person } from "../support/person.ts";
import { ask, upgradeStatus } from "../support/probe.ts";
import { dataDir, logDir } from "../support/process.ts";
import { recordedSamples } from "../support/sampler.ts";
import { KINDS, recordedNames, recordedSecrets, recordSecret, type Kind, type Secret } from "../support/secret.ts";
import { fileAt, filesBelow, findings, type Place } from "../support/search.ts";
import { expect, test } from "../support/test.ts";
import { baseURL } from "../playwright.config.ts";

const HERE_ONLY = "the server's files and processes are known to script/test alone";
const NOWHERE = "http://127.0.0.1:9";

/** What must be nowhere: every kind, or the test that looks for it shows nothing. */
function secrets(): Secret[] {
  const credentials = localNodes().map((node) => readFileSync(credentialFile(node), "utf8").trim());
  const nodes = credentials.map((text): Secret => ({ kind: "node credential", text }));
  const all = [...recordedSecrets(), ...nodes];
  expect([...new Set(all.map(({ kind }) => kind))].sort(), "kinds of secrets recorded").toEqual([...KINDS].sort());
  return all;
}

/** Nodes that this server runs; others have a folder, too, and none of their own files in it. */
function localNodes(): string[] {
  if (dataDir === undefined) return [];
  const folder = join(dataDir, "nodes");
  return readdirSync(folder).filter((node) => existsSync(join(folder, node, "pid")));
}

const credentialFile = (node: string) => join(dataDir ?? "", "nodes", node, "credential");

/** Some account that was made in this run is named there: the right place is searched, and it is not empty. */
function expectNames(places: Place[], where: string): void {
  const named = recordedNames().filter((name) => places.some(({ text }) => text.includes(name)));
  expect(named.length, `accounts of this run that ${where} names`).toBeGreaterThan(0);
}

test("every kind of secret is used, also where it is refused", async ({ alice, admin, request }) => {
  await test.step("passwords", () => usePasswords(alice, request));
  await test.step("a token", () => useToken(alice, request));
  await test.step("a link to a shell", () => useInvitation(alice));
  await test.step("a cookie, on another site's page", async () => {
    expect(await upgradeStatus(alice.page, "/live", "http://evil.example")).toBe(403);
  });
  await test.step("a node's credential, where no node is", async () => {
    const credential = randomBytes(32).toString("hex");
    recordSecret("node credential", credential);
    const form = { name: "nowhere-1", address: NOWHERE, credential };
    expect((await ask(admin.page, "/api/node_add", [], form)).status).toBeGreaterThanOrEqual(400);
  });
  await test.step("a one-time password, and the way in by it", () => useOneTimePassword(alice, admin));
});

/** An Authorization line, which is a secret in another form. */
function basic(kind: Kind, name: string, secret: string): string {
  const text = Buffer.from(`${name}:${secret}`).toString("base64");
  recordSecret(kind, text);
  return `Basic ${text}`;
}

/** The status of a GET, or of a POST where there is something to send. */
async function status(request: APIRequestContext, Authorization: string, path: string, data?: object): Promise<number> {
  const headers = { Authorization };
  const answer = await (data === undefined ? request.get(path, { headers }) : request.post(path, { headers, data }));
  return answer.status();
}

async function usePasswords({ page, name, password }: Person, request: APIRequestContext): Promise<void> {
  const wrong = `wrong-${name}-wanders-quarries`;
  recordSecret("password", wrong);
  const forms: Record<string, string>[] = [{ name, password: wrong }, { password }];
  for (const form of forms) expect((await ask(page, "/api/login", [], form)).status).toBeGreaterThanOrEqual(400);
  expect(await status(request, basic("password", name, wrong), "/list_all")).toBe(401);
  expect(await status(request, basic("password", name, password), "/list_all")).toBe(200);
}

async function useToken({ page, name, password }: Person, request: APIRequestContext): Promise<void> {
  const headers = { Authorization: basic("password", name, password) };
  const made = await request.post("/api/v1/me/tokens", { headers, data: { name: "canary" } });
  const { secret, token } = (await made.json()) as { secret: string; token: { id: string } };
  recordSecret("API token", secret);
  const bearer = `Bearer ${secret}`;
  expect(await status(request, bearer, "/api/v1/me")).toBe(200);
  expect(await status(request, basic("API token", name, secret), "/list_all")).toBe(200);
  expect(await status(request, bearer, "/api/v1/admin/nodes")).toBe(404);
  expect(await status(request, bearer, "/api/v1/vms", { nme: "x" })).toBe(422);
  expect(await status(request, `${bearer}0`, "/api/v1/me")).toBe(401);
  expect((await ask(page, "/api/token_delete", [], { id: token.id })).status).toBeLessThan(400);
  expect(await status(request, bearer, "/api/v1/me")).toBe(401);
}

async function useInvitation({ page }: Person): Promise<void> {
  const token = randomBytes(32).toString("hex");
  recordSecret("invitation", token);
  expect((await ask(page, `/invitations/${token}`, [])).status).toBe(404);
  for (const name of ["shell_invitation_get", "shell_grant_create"]) {
    expect((await ask(page, `/api/${name}`, [], { token })).status, name).toBeGreaterThanOrEqual(400);
  }
}

async function useOneTimePassword(alice: Person, admin: Person): Promise<void> {
  const headers = { Origin: baseURL, Accept: "application/json" };
  const reset = await admin.page.request.post("/api/user_password_reset", { headers, form: { name: alice.name } });
  const once = JSON.parse(await reset.text()) as string;
  recordSecret("one-time password", once);
  await alice.signIn(once);
  await chooseFirstPassword(alice, once);
  await expect(alice.page.getByRole("heading", { name: "Your VMs" })).toBeVisible();
}

test("no secret is in the logs of server and nodes", async () => {
  test.skip(dataDir === undefined || logDir === undefined, HERE_ONLY);
  const server = fileAt(join(logDir ?? "", "server.log"));
  expectNames([server], "the server's log");
  const nodes = localNodes().map((node) => fileAt(join(dataDir ?? "", "nodes", node, "log")));
  for (const [number, node] of localNodes().entries()) {
    expect(nodes[number]?.text, `the log of ${node}`).toContain(`node ${node} listens on`);
  }
  expect(nodes.length).toBeGreaterThan(0);
  expect(findings([server, ...nodes], secrets())).toEqual([]);
});

test("no secret is in what the log page shows, or could be asked for", async ({ admin }) => {
  test.setTimeout(240_000);
  const log = (query: Record<string, string>) => logOf(admin, query);
  const newest = await Promise.all(
    ["server", "balancer", "node-1", "node-2"].map(async (source) => ({ name: source, text: await log({ source }) })),
  );
  expectNames(newest, "the log page");
  for (const { name, text } of newest) expect(text, `the log page's lines of ${name}`).toContain("data:");
  const all = secrets();
  expect(findings(newest, all)).toEqual([]);
  // The filter looks through all that the server remembers. Not with the whole secret: that it is asked
  // for would be the leak, should addresses ever be logged.
  for (const { kind, text } of all) {
    expect(await log({ text: text.slice(0, -1) }), `lines with a ${kind}`).not.toContain("data:");
  }
});

/** The newest 500 lines that match, as server-sent events. */
async function logOf(admin: Person, query: Record<string, string>): Promise<string> {
  const path = `/api/v1/admin/logs?${new URLSearchParams({ follow: "false", ...query })}`;
  const answer = await admin.page.request.get(path);
  expect(answer.status()).toBe(200);
  return answer.text();
}

test("no secret is in the data folder, but nodes' credentials in files that only their owner reads", async () => {
  test.skip(dataDir === undefined, HERE_ONLY);
  const files = filesBelow(dataDir ?? "");
  const isCredential = ({ name }: Place) => /^nodes\/[^/]+\/credential$/.test(name);
  expectNames(files.filter(({ name }) => name.startsWith("minicloud.db")), "the database");
  expect(findings(files.filter((file) => !isCredential(file)), secrets())).toEqual([]);
  const credentials = files.filter(isCredential);
  expect(credentials.length).toBeGreaterThan(0);
  for (const { name } of credentials) {
    expect(statSync(join(dataDir ?? "", name)).mode & 0o777, name).toBe(0o600);
  }
});

test("no secret was in an argument or the environment of server, nodes and what they start", async () => {
  test.skip(dataDir === undefined, HERE_ONLY);
  const samples = recordedSamples();
  const argumentsOf = (program: string) =>
    samples.filter((sample) => sample.program === program).map(({ args }) => args.join(" "));
  expect(argumentsOf("minicloud-server").join("\n")).toContain(`--data-dir ${dataDir}`);
  for (const node of localNodes()) {
    expect(argumentsOf("minicloud-node").join("\n")).toContain(`--credential-file ${credentialFile(node)}`);
  }
  expect(samples.every(({ environment }) => environment.some((line) => line.startsWith("PATH=")))).toBe(true);
  const places = samples.map(({ pid, program, args, environment }) => ({
    name: `${program} (process ${pid})`,
    text: [...args, ...environment].join("\n"),
  }));
  expect(findings(places, secrets())).toEqual([]);
});

test("no secret is in a VM: its programs' arguments and environment, what the engine knows of it", async ({ alice }) => {
  await alice.runningVm("bare1");
  await alice.openShell("bare1");
  const headers = { Origin: baseURL };
  const argv = ["sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ"];
  const answer = await alice.page.request.post("/api/v1/vms/bare1/exec", { headers, data: { argv } });
  const { stdout } = (await answer.json()) as { stdout: string };
  expect(stdout).toContain("PATH=");
  const known = await inspect(await alice.vmId("bare1"));
  expect(known).toContain("bare1");
  const places = [
    { name: "programs of the VM", text: stdout },
    { name: "the engine's description", text: known },
  ];
  expect(findings(places, secrets())).toEqual([]);
});
