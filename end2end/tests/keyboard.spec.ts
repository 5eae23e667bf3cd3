/** Without a mouse: everything by Tab, Enter and Escape, and what a screen reader is told of the pages. */

import { enter, tabThrough, tabTo } from "../support/keyboard.ts";
import { filled, pageRoutes } from "../support/route.ts";
import { expect, test } from "../support/test.ts";

const VM = "keys1";
/** What has a terminal takes Tab itself, what a link leads to wants one. */
const ELSEWHERE = /^\/shell\/|\/shell$|^\/shared\/|^\/invitations\//;

test("sign in, create a VM, shut it down and delete it by keyboard alone", async ({ alice }) => {
  test.setTimeout(180_000);
  const { page } = alice;
  const { keyboard } = page;
  await alice.signOut();

  await test.step("sign in", async () => {
    await alice.visit("/login");
    await tabTo(page.getByLabel("User name"));
    await keyboard.type(alice.name);
    await tabTo(page.getByLabel("Password", { exact: true }));
    await keyboard.type(alice.password);
    await keyboard.press("Enter");
    await expect(page.getByRole("heading", { name: "Your VMs" })).toBeVisible();
    await alice.settled();
  });

  await test.step("create a VM; Escape leaves the dialog", async () => {
    const link = page.getByRole("main").getByRole("link", { name: "New VM" });
    const name = page.getByRole("dialog").getByLabel("Name", { exact: true });
    await enter(link);
    await expect(name).toBeFocused();
    await keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
    await enter(link);
    await expect(name).toBeFocused();
    // The suggested name is selected: typing replaces it.
    await keyboard.type(VM);
    await keyboard.press("Enter");
    await alice.waitForState(VM, "Running");
  });

  await test.step("open its page and shut it down; Escape leaves the menu to its button", async () => {
    await enter(page.getByRole("link", { name: VM, exact: true }));
    await expect(page.getByRole("heading", { name: VM, level: 1 })).toBeVisible();
    const more = page.getByLabel(`More actions for ${VM}`);
    await enter(more);
    await expect(page.getByRole("button", { name: "Shut down" })).toBeVisible();
    await keyboard.press("Escape");
    await expect(page.getByRole("button", { name: "Shut down" })).toBeHidden();
    await expect(more).toBeFocused();
    await keyboard.press("Enter");
    await enter(page.getByRole("button", { name: "Shut down" }));
    await expect(page.getByRole("main").getByText("Stopped", { exact: true }).first()).toBeVisible({ timeout: 40_000 });
  });

  await test.step("delete it; Escape deletes nothing", async () => {
    const ask = page.getByRole("link", { name: `Delete ${VM}…` });
    const sure = page.getByRole("dialog").getByRole("button", { name: `Delete ${VM}` });
    await enter(ask);
    await expect(sure).toBeVisible();
    await keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
    await enter(ask);
    await enter(sure);
    await expect(page.getByRole("heading", { name: "No VMs yet" })).toBeVisible({ timeout: 40_000 });
  });
});

test("whatever Tab leads to shows that it has the focus, on every page", async ({ alice, admin, somebody }) => {
  test.setTimeout(600_000);
  const visitor = await somebody();
  await alice.runningVm(VM);
  const node = /node-\d/.exec(await alice.row(VM).innerText())?.[0] ?? "";
  const id = await alice.vmId(VM);
  for (const route of pageRoutes().filter((route) => !ELSEWHERE.test(route))) {
    const isWayIn = route === "/login" || route === "/register";
    const person = route.startsWith("/admin") ? admin : isWayIn ? visitor : alice;
    const ofAdmin = route.startsWith("/admin/nodes") ? node : alice.name;
    const path = filled(route, { ":name": person === admin ? ofAdmin : VM, ":id": id });
    await person.visit(path);
    const { stops, unseen } = await tabThrough(person.page);
    expect.soft(unseen, path).toEqual([]);
    expect.soft(stops, `stops of ${path}`).toBeGreaterThan(0);
  }
});

test("a screen reader is told of headings, fields, states and what one can do", async ({ alice, somebody }) => {
  const visitor = await somebody();
  await visitor.visit("/login");
  await expect(visitor.page.getByRole("main")).toMatchAriaSnapshot(`
    - heading "Sign in" [level=1]
    - textbox "User name"
    - textbox "Password"
    - button "Show password"
    - button "Sign in"
    - paragraph:
      - link "Create an account"
  `);
  await alice.runningVm(VM);
  await expect(alice.page.getByRole("main")).toMatchAriaSnapshot(`
    - heading "Your VMs" [level=1]
    - link "New VM"
    - list:
      - listitem:
        - text: /Running/
        - link "${VM}"
        - link "Shell of ${VM}"
  `);
  await alice.visit(`/vms/${VM}`);
  await expect(alice.page.getByRole("main")).toMatchAriaSnapshot(`
    - heading "${VM}" [level=1]
    - text: /Running/
    - link "Shell of ${VM}"
    - region "Details":
      - heading "Details" [level=2]
    - region "Usage":
      - heading "Usage" [level=2]
    - region "Shells":
      - heading "Shells" [level=2]
      - link "New shell"
    - region "Events":
      - heading "Events" [level=2]
      - list:
        - listitem
    - region "Delete this VM":
      - link "Delete ${VM}…"
  `);
});
