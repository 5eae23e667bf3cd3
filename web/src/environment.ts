/** The browser's side of a {@link Connection}: WebSocket, clock, chance. */

import { newClientId } from "./client-id.ts";
import type { Environment, Socket } from "./connection.ts";
import type { Ending } from "./ending.ts";
import type { Size } from "./protocol.ts";

const REFUSAL_DEADLINE_MS = 5_000;
const SIGN_IN_PATH = "/login";

/** Who this page is for the node; see client-id.ts. */
export interface Viewer {
  client: string;
}

/** The browser's timers. */
export function after(delay: number, action: () => void): () => void {
  const timer = setTimeout(action, delay);
  return () => clearTimeout(timer);
}

/** Sockets to `attach` (a path of this site) under the viewer's name, which `rename` changes. */
export function browserEnvironment(attach: string, viewer: Viewer): Environment {
  return {
    open: (from, size) =>
      new WebSocket(attachUrl(new URL(attach, location.href), viewer.client, from, size)) as Socket,
    rename: () => (viewer.client = newClientId()),
    refusal: () => refusal(attach),
    signedOut,
    now: () => Date.now(),
    after,
    random: Math.random,
  };
}

/** The address of an attachment, `ws:` or `wss:` as the page is http or https. */
export function attachUrl(base: URL, client: string, from: number | null, size: Size): string {
  const url = new URL(base);
  url.protocol = base.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("client", client);
  url.searchParams.set("parts", "1");
  if (from !== null) url.searchParams.set("from", String(from));
  url.searchParams.set("cols", String(size.cols));
  url.searchParams.set("rows", String(size.rows));
  return url.href;
}

/** Where one signs in, to come back to this page. */
export function signInHref(): string {
  return `${SIGN_IN_PATH}?next=${encodeURIComponent(location.pathname + location.search)}`;
}

/** A plain request to the same address: its status says what a refused upgrade does not. */
async function refusal(attach: string): Promise<Ending | null> {
  try {
    const response = await fetch(attach, {
      cache: "no-store",
      redirect: "manual",
      signal: AbortSignal.timeout(REFUSAL_DEADLINE_MS),
    });
    if (response.status === 404) return { kind: "shell_not_found" };
    const signedOut = response.type === "opaqueredirect" || [401, 403].includes(response.status);
    return signedOut ? { kind: "revoked", signInHelps: true } : null;
  } catch {
    // Not reachable at all: the connection goes on trying.
    return null;
  }
}

/** The sign-in page sends on who is signed in, and is shown to nobody else. */
async function signedOut(): Promise<boolean> {
  try {
    const response = await fetch(SIGN_IN_PATH, {
      cache: "no-store",
      redirect: "manual",
      signal: AbortSignal.timeout(REFUSAL_DEADLINE_MS),
    });
    return response.ok;
  } catch {
    return false;
  }
}
