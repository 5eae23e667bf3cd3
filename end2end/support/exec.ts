/** Programs in a VM by the JSON API, as the person of a page: for tests that have no shell. */

import { expect, type APIResponse, type Page } from "@playwright/test";

import { baseURL } from "../playwright.config.ts";

function exec(page: Page, vm: string, data: { argv: string[]; timeout_s?: number }): Promise<APIResponse> {
  return page.request.post(`/api/v1/vms/${vm}/exec`, { headers: { Origin: baseURL }, data });
}

/** Runs a line to its end; answers what it printed. */
export async function runIn(page: Page, vm: string, line: string): Promise<string> {
  const answer = await exec(page, vm, { argv: ["sh", "-c", line] });
  expect(answer.status(), await answer.text()).toBe(200);
  return ((await answer.json()) as { stdout: string }).stdout;
}

/** Begins a line that does not end: it goes on in the VM. */
export async function leaveRunning(page: Page, vm: string, line: string): Promise<void> {
  const answer = await exec(page, vm, { argv: ["sh", "-c", line], timeout_s: 1 });
  expect(answer.status(), await answer.text()).toBe(503);
}
