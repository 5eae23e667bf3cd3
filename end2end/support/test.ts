/**
 * `test` for MiniCloud: people with a browser of their own, and pages that are watched. A console
 * error or warning, a page error, a status of 400 or more fails the test unless it was announced.
 */

import { test as base, expect, type BrowserContext, type BrowserContextOptions } from "@playwright/test";

import { ADMIN_PASSWORD, signInAsAdmin } from "./admin.ts";
import { Person } from "./person.ts";
import { followSecrets, recordCookies } from "./secret.ts";
import { Watch } from "./watch.ts";

export { expect };

interface Fixtures {
  watch: Watch;
  /** `expectFailure(/status 404/)`: the test provokes this. */
  expectFailure: (pattern: RegExp) => void;
  /** Somebody who has just registered, not by the page; their account and VMs are deleted afterwards. */
  alice: Person;
  /** Another one, in another browser. */
  bob: Person;
  /** The admin, signed in; the first-start password is changed where it still is the way in. */
  admin: Person;
  /** Makes more people, not registered yet. Accounts are deleted afterwards where there are any. */
  somebody: (options?: BrowserContextOptions) => Promise<Person>;
}

let count = 0;

/** A user name that no earlier run has used. */
export function freshName(prefix: string): string {
  count += 1;
  return `${prefix}-${Date.now().toString(36)}${count}`;
}

export const test = base.extend<Fixtures>({
  watch: [
    async ({ context }, use) => {
      const watch = new Watch();
      follow(watch, context);
      await use(watch);
      await recordCookies(context);
      expect(watch.complaints(), "complaints of the pages that no test announced").toEqual([]);
    },
    { auto: true },
  ],

  expectFailure: async ({ watch }, use) => {
    await use((pattern) => watch.expectFailure(pattern));
  },

  somebody: async ({ browser, contextOptions, javaScriptEnabled, baseURL, viewport, watch }, use) => {
    const people: Person[] = [];
    await use(async (options) => {
      const context = await browser.newContext({
        ...contextOptions,
        javaScriptEnabled: javaScriptEnabled ?? true,
        viewport: viewport ?? null,
        ...(baseURL !== undefined && { baseURL }),
        ...options,
      });
      follow(watch, context);
      const scripted = options?.javaScriptEnabled ?? javaScriptEnabled ?? true;
      const person = new Person(await context.newPage(), freshName("e2e"), scripted);
      people.push(person);
      return person;
    });
    for (const person of people) await leave(person);
  },

  admin: async ({ browser, baseURL, viewport, watch }, use) => {
    const context = await browser.newContext({
      viewport: viewport ?? null,
      ...(baseURL !== undefined && { baseURL }),
    });
    follow(watch, context);
    const admin = new Person(await context.newPage(), "admin", true, ADMIN_PASSWORD);
    await signInAsAdmin(admin);
    await use(admin);
    await recordCookies(context);
    await context.close();
  },

  alice: async ({ somebody }, use) => {
    const alice = await somebody();
    await alice.join();
    await use(alice);
  },

  bob: async ({ somebody }, use) => {
    const bob = await somebody();
    await bob.join();
    await use(bob);
  },
});

/** What the context's pages do is looked at, and the secrets they use are noted. */
function follow(watch: Watch, context: BrowserContext): void {
  watch.follow(context);
  followSecrets(context);
}

/** Deletes the account if it is still there, then closes the browser. */
async function leave(person: Person): Promise<void> {
  const context = person.page.context();
  await recordCookies(context);
  // A page that looks on would ask for what is theirs no more.
  for (const page of context.pages()) await page.close();
  try {
    await person.vanish();
  } finally {
    await context.close();
  }
}
