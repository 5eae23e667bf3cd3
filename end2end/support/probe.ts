/** Asking the server without a page: plain requests and upgrades with a person's cookies. */

import { request as httpRequest } from "node:http";

import type { Page } from "@playwright/test";

import { baseURL } from "../playwright.config.ts";

export interface Answer {
  status: number;
  /** With all that may differ between two equal answers taken out. */
  body: string;
}

/** An answer's body, with ids, nonces, request ids and the words of `echoed` made equal. */
function masked(body: string, echoed: string[]): string {
  const nonce = /nonce="([^"]+)"/.exec(body)?.[1];
  const words = nonce === undefined ? echoed : [...echoed, nonce];
  return words
    .reduce((text, word) => text.replaceAll(word, "ECHO"), body)
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "ID")
    .replaceAll(/\b\d{13,}\b/g, "TIME");
}

/** GET, or POST of a form where there is one, as the person of this page. Follows no redirect. */
export async function ask(page: Page, path: string, echoed: string[], form?: Record<string, string>): Promise<Answer> {
  const options = { maxRedirects: 0, failOnStatusCode: false, headers: { Origin: baseURL } };
  const response =
    form === undefined
      ? await page.request.get(path, options)
      : await page.request.post(path, { ...options, form });
  return { status: response.status(), body: masked(await response.text(), echoed) };
}

/** The status of a WebSocket upgrade: 101 when it is let in. */
export async function upgradeStatus(page: Page, path: string, origin = baseURL): Promise<number> {
  const cookies = await page.context().cookies(baseURL);
  const headers = {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    Origin: origin,
    Cookie: cookies.map((cookie) => `${cookie.name}=${cookie.value}`).join("; "),
  };
  return new Promise((resolve, reject) => {
    const request = httpRequest(new URL(path, baseURL), { headers, timeout: 10_000 });
    request.on("upgrade", (_, socket) => {
      socket.destroy();
      resolve(101);
    });
    request.on("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on("timeout", () => request.destroy(new Error(`no answer to an upgrade of ${path}`)));
    request.on("error", reject);
    request.end();
  });
}
