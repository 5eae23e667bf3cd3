/** Signing up, in and out, and what is said when it does not work. */

import type { Page } from "@playwright/test";

import { Person } from "../support/person.ts";
import { expect, freshName, test } from "../support/test.ts";

/** Promised are 5 s for what a page holds open, and it leaves a second later; the value is printed. */
const OUT_MS = 18_000;

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";

const REFUSED = /status 4\d\d: POST .*\/api\/(login|account_create|password_change)/;
const RESOURCE = /console error: Failed to load resource.*4\d\d/;

test("a weak password, a bad name and a taken one are said beside their fields, what was typed stays", async ({
  alice,
  somebody,
  expectFailure,
}) => {
  expectFailure(REFUSED);
  expectFailure(RESOURCE);
  const carol = await somebody();
  await carol.visit("/register");
  const name = carol.page.getByLabel("User name");
  const password = carol.page.getByLabel("Password", { exact: true });
  await name.fill(carol.name);
  await password.fill("password12");
  await carol.page.getByRole("button", { name: "Create account" }).click();
  await expect(password).toHaveAttribute("aria-invalid", "true");
  await expect(name).toHaveValue(carol.name);
  await name.fill("1_Name");
  await password.fill(carol.password);
  await carol.page.getByRole("button", { name: "Create account" }).click();
  await expect(name).toHaveAccessibleDescription(/The name does not begin with a small letter/);
  await expect(name).toHaveValue("1_Name");
  await name.fill(alice.name);
  await password.fill(carol.password);
  await carol.page.getByRole("button", { name: "Create account" }).click();
  await expect(name).toHaveAttribute("aria-invalid", "true");
});

test("a wrong password and an unknown user are told the same", async ({ alice, somebody, expectFailure }) => {
  expectFailure(REFUSED);
  expectFailure(RESOURCE);
  const stranger = await somebody();
  const answers: string[] = [];
  for (const name of [alice.name, freshName("nobody")]) {
    await stranger.visit("/login");
    await stranger.page.getByLabel("User name").fill(name);
    await stranger.page.getByLabel("Password", { exact: true }).fill("not the password at all");
    await stranger.page.getByRole("button", { name: "Sign in" }).click();
    const alert = stranger.page.getByRole("main").locator("[role=alert], .field-error:not(:empty)").first();
    await expect(alert).toBeVisible();
    answers.push((await alert.innerText()).replaceAll(name, "NAME"));
  }
  expect(answers[0]).toBe(answers[1]);
});

test("a changed password is the one that counts, and other browsers are signed out", async ({
  alice,
  somebody,
  expectFailure,
}) => {
  expectFailure(REFUSED);
  expectFailure(RESOURCE);
  const elsewhere = await somebody();
  await elsewhere.visit("/login");
  await elsewhere.page.getByLabel("User name").fill(alice.name);
  await elsewhere.page.getByLabel("Password", { exact: true }).fill(alice.password);
  await elsewhere.page.getByRole("button", { name: "Sign in" }).click();
  await expect(elsewhere.page.getByRole("heading", { name: "Your VMs" })).toBeVisible();
  await alice.visit("/account/password");
  await alice.page.getByLabel("Current password").fill(alice.password);
  await alice.page.getByLabel("New password", { exact: true }).fill("harbour-seven-violet-crane");
  await alice.page.getByRole("button", { name: "Change password" }).click();
  await expect(alice.page.getByText("Your password is changed.")).toBeVisible();
  // The open page leaves by itself, and would be in the way of one that is asked for meanwhile.
  await expect(elsewhere.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await elsewhere.page.goto("/account");
  await expect(elsewhere.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await alice.signOut();
  await alice.signIn("harbour-seven-violet-crane");
  await expect(alice.page.getByRole("heading", { name: "Your VMs" })).toBeVisible();
});

test("signing in leads back to where one wanted to go", async ({ alice }) => {
  await alice.signOut();
  await alice.page.goto("/account");
  await expect(alice.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await alice.settled();
  await alice.page.getByLabel("User name").fill(alice.name);
  await alice.page.getByLabel("Password", { exact: true }).fill(alice.password);
  await alice.page.getByRole("button", { name: "Sign in" }).click();
  await expect(alice.page.getByRole("heading", { name: "Account", exact: true })).toBeVisible();
});

test("a visit to /logout signs nobody out, its button does", async ({ alice }) => {
  await alice.visit("/logout");
  await alice.visit("/");
  await expect(alice.page.getByRole("heading", { name: "Your VMs" })).toBeVisible();
  await alice.signOut();
  await alice.page.goto("/");
  await expect(alice.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await alice.signIn();
  await expect(alice.page.getByRole("heading", { name: "Your VMs" })).toBeVisible();
});

test("a browser that another tab has signed out meanwhile is told of once, and is off the list", async ({
  alice,
  somebody,
  expectFailure,
}) => {
  expectFailure(/status 404: POST .*\/api\/login_session_delete/);
  expectFailure(/console error: Failed to load resource.*404/);
  for (const userAgent of [FIREFOX, IPHONE]) {
    const { page } = await somebody({ userAgent });
    await new Person(page, alice.name, true, alice.password).enter();
  }
  const sectionOf = (page: Page) => page.getByRole("region", { name: "Where you are signed in" });
  const signOut = (page: Page, device: string) =>
    sectionOf(page).getByRole("listitem").filter({ hasText: device }).getByRole("button", { name: "Sign out" }).click();
  const places = (page: Page) => sectionOf(page).getByRole("listitem");
  await alice.visit("/account");
  const tab = await alice.page.context().newPage();
  await tab.goto("/account");
  await tab.locator("html[data-script=on]").waitFor({ state: "attached" });
  await expect(places(tab)).toHaveCount(3);

  await signOut(alice.page, "Firefox on Linux");
  await expect(places(alice.page)).toHaveCount(2);
  await signOut(tab, "Firefox on Linux");
  await expect(places(tab)).toHaveCount(2);
  await expect(tab.getByText("That browser was signed out already.")).toHaveCount(1);
  await expect(tab.getByRole("alert")).toHaveCount(0);

  await signOut(tab, "Safari on iPhone");
  await expect(places(tab)).toHaveCount(1);
  await expect(tab.getByText("That browser was signed out already.")).toHaveCount(0);
});

test("a browser that is signed out from another one is out within seconds, and no other is", async ({
  alice,
  somebody,
  expectFailure,
}) => {
  expectFailure(/console warning: .*was preloaded using link preload but not used/);
  /** The account in another browser. */
  const elsewhere = async (userAgent: string, javaScriptEnabled: boolean): Promise<Person> => {
    const { page } = await somebody({ userAgent, javaScriptEnabled });
    const there = new Person(page, alice.name, javaScriptEnabled, alice.password);
    await there.signIn();
    await expect(page.getByRole("heading", { name: "Your VMs" })).toBeVisible();
    await there.settled();
    return there;
  };
  const firefox = await elsewhere(FIREFOX, true);
  const iphone = await elsewhere(IPHONE, false);

  await alice.visit("/account");
  const section = alice.page.getByRole("region", { name: "Where you are signed in" });
  const place = (device: string) => section.getByRole("listitem").filter({ hasText: device });
  const signOut = (device: string) => place(device).getByRole("button", { name: "Sign out" });
  await expect(section.getByRole("listitem")).toHaveCount(3);
  await expect(signOut("This browser")).toHaveCount(0);

  await signOut("Firefox on Linux").click();
  const began = Date.now();
  await expect(place("Firefox on Linux")).toHaveCount(0);
  // Its open page leaves by itself.
  await expect(firefox.page.getByRole("heading", { name: "Sign in" })).toBeVisible({ timeout: OUT_MS });
  console.log(`the other browser was out ${Date.now() - began} ms after it was signed out`);
  await firefox.visit("/account");
  await expect(firefox.page.getByRole("heading", { name: "Sign in" })).toBeVisible();

  await iphone.visit("/account");
  await expect(iphone.page.getByRole("heading", { name: "Account", exact: true })).toBeVisible();
  await signOut("Safari on iPhone").click();
  await expect(section.getByRole("listitem")).toHaveCount(1);
  // Without script the page that is open stays, and its next click leads to the sign-in.
  await iphone.page.getByRole("link", { name: "Change password" }).click();
  await expect(iphone.page.getByRole("heading", { name: "Sign in" })).toBeVisible();

  await alice.visit("/");
  await expect(alice.page.getByRole("heading", { name: "Your VMs" })).toBeVisible();
});
