/** All but the shell, with script switched off. */

import { containersOf } from "../support/engine.ts";
import { leaveRunning, runIn } from "../support/exec.ts";
import { expect, test } from "../support/test.ts";

test.use({ javaScriptEnabled: false });

const VM = "plain1";

test("the main job without script", async ({ somebody }) => {
  test.setTimeout(240_000);
  const alice = await somebody();
  await alice.register();
  const { page } = alice;
  await expect(page.getByRole("heading", { name: "No VMs yet" })).toBeVisible();
  await alice.runningVm(VM);

  await page.getByRole("link", { name: VM, exact: true }).click();
  await expect(page.getByRole("heading", { name: VM })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Details" })).toBeVisible();
  await expect(page.getByText("Placed there because")).toBeVisible();

  const id = await alice.vmId(VM);
  expect(await containersOf(id)).toEqual([`mc-${id}`]);
  await runIn(page, VM, "echo kept words > /root/note");
  await leaveRunning(page, VM, "trap 'echo trapped > /root/trapped; exit' TERM; while :; do sleep 1; done");
  await alice.visit("/");
  await alice.shutDown(VM);
  await alice.start(VM);
  expect(await runIn(page, VM, "cat /root/note /root/trapped")).toBe("kept words\ntrapped\n");
  expect(await containersOf(id)).toEqual([`mc-${id}`]);

  await page.getByRole("link", { name: `Shell of ${VM}` }).click();
  // Chromium draws what is meant for browsers without script only where script was never allowed at all.
  await expect.poll(() => page.content()).toContain("The shell needs script");

  await alice.visit("/");
  await alice.deleteVm(VM);
  await expect(page.getByRole("heading", { name: "No VMs yet" })).toBeVisible();
  await expect.poll(() => containersOf(id), { timeout: 30_000 }).toEqual([]);
  await alice.deleteAccount();
});

test("what was wrong is beside its field, what was typed is kept, the password is not", async ({ somebody }) => {
  const carol = await somebody();
  await carol.visit("/register");
  const name = carol.page.getByLabel("User name");
  const password = carol.page.getByLabel("Password", { exact: true });
  await name.fill("Not_A_Name");
  await password.fill(carol.password);
  await carol.page.getByRole("button", { name: "Create account" }).click();
  await expect(name).toHaveAttribute("aria-invalid", "true");
  await expect(name).toHaveValue("Not_A_Name");
  await expect(password).toHaveValue("");
});

test("what was chosen for a token is chosen still when its name was wrong", async ({ alice, expectFailure }) => {
  expectFailure(/console warning: .*was preloaded using link preload but not used/);
  await alice.visit("/account");
  const section = alice.page.getByRole("region", { name: "API tokens" });
  const name = section.getByLabel("Name", { exact: true });
  const may = section.getByLabel("May", { exact: true });
  const goodFor = section.getByLabel("Good for");
  for (const [days, words] of [
    ["30", "30 days"],
    ["", "No end"],
  ] as const) {
    await name.fill(" ");
    await may.selectOption("Look at things");
    await goodFor.selectOption(words);
    await section.getByRole("button", { name: "New token" }).click();
    await expect(name).toHaveAttribute("aria-invalid", "true");
    await expect(may).toHaveValue("read");
    await expect(goodFor).toHaveValue(days);
  }
});

test("theme, sign-out and sign-in without script", async ({ alice }) => {
  const { page } = alice;
  await page.getByLabel("Theme", { exact: true }).first().click();
  await alice.activate(page.getByRole("button", { name: "Dark" }));
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await alice.signOut();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await alice.signIn();
  await expect(page.getByRole("heading", { name: "Your VMs" })).toBeVisible();
});
