/** Making an account where not everybody may: nobody, or who has the invite code. */

import { dataDir } from "../support/process.ts";
import { OwnServer } from "../support/server.ts";
import { expect, test } from "../support/test.ts";

const CODE = "violet-kettle-harbour";
const WRONG = "violet-kettle-harbor";

test.skip(dataDir === undefined, "script/test alone knows that the programs are built");

/** A server with these settings for the tests beside it; answers what its address is while they run. */
function serverWith(settings: Record<string, string>): () => string {
  let server: OwnServer | undefined;
  test.beforeAll(async () => {
    server = await OwnServer.start(settings);
  });
  test.afterAll(() => server?.end());
  return () => server?.url ?? "";
}

test.describe("where registration is closed", () => {
  const url = serverWith({ MINICLOUD_REGISTRATION: "closed" });

  test("no page offers it, and its own says whom to ask", async ({ somebody }) => {
    const carol = await somebody({ baseURL: url() });
    const main = carol.page.getByRole("main");
    await carol.visit("/login");
    await expect(main.getByRole("button", { name: "Sign in" })).toBeVisible();
    await expect(carol.page.getByRole("link", { name: "Create an account" })).toHaveCount(0);
    await carol.visit("/register");
    await expect(main.getByText("Registration is closed here. Ask an admin of this MiniCloud for an account.")).toBeVisible();
    await expect(main.getByRole("textbox")).toHaveCount(0);
    await main.getByRole("link", { name: "Sign in" }).click();
    await expect(main.getByRole("button", { name: "Sign in" })).toBeVisible();
  });

  test("a form that was open when it was closed makes no account", async ({ somebody }) => {
    const { page, name, password } = await somebody({ baseURL: url() });
    const headers = { Origin: url(), Accept: "application/json" };
    const refused = await page.request.post("/api/account_create", { headers, form: { name, password } });
    expect(refused.status()).toBe(403);
    expect(await refused.text()).toContain("Ask an admin");
    const unknown = await page.request.post("/api/login", { headers, form: { name, password } });
    expect(unknown.status()).toBe(401);
  });
});

test.describe("where registration is by invite", () => {
  const url = serverWith({ MINICLOUD_REGISTRATION: "invite", MINICLOUD_INVITE_CODE: CODE });

  for (const scripted of [true, false]) {
    test(`a wrong code is said beside its field, the right one leads on, ${scripted ? "with" : "without"} script`, async ({
      somebody,
      expectFailure,
    }) => {
      expectFailure(/status 4\d\d: POST .*\/api\/account_create/);
      expectFailure(/console error: Failed to load resource.*4\d\d/);
      expectFailure(/console warning: .*was preloaded using link preload but not used/);
      const carol = await somebody({ baseURL: url(), javaScriptEnabled: scripted });
      const { page } = carol;
      await page.goto("/account");
      await carol.settled();
      await page.getByRole("link", { name: "Create an account" }).click();
      await expect(page.getByRole("heading", { name: "Create an account" })).toBeVisible();
      const code = page.getByLabel("Invite code");
      const name = page.getByLabel("User name");
      const password = page.getByLabel("Password", { exact: true });
      await expect(code).toHaveAccessibleDescription(/From who runs this MiniCloud/);

      await code.fill(WRONG);
      await name.fill(carol.name);
      await password.fill(carol.password);
      await page.getByRole("button", { name: "Create account" }).click();
      await expect(code).toHaveAttribute("aria-invalid", "true");
      await expect(code).toHaveAccessibleDescription(/This is not the invite code. Check it, or ask whoever invited you/);
      await expect(name).toHaveValue(carol.name);
      // A page that is loaded anew gets what was typed by its address, where no secret may stand.
      await expect(code).toHaveValue(scripted ? WRONG : "");
      await expect(password).toHaveValue(scripted ? carol.password : "");
      expect(page.url()).not.toContain(WRONG);

      await code.fill(CODE);
      if (!scripted) await password.fill(carol.password);
      await page.getByRole("button", { name: "Create account" }).click();
      // Where carol wanted to go at first.
      await expect(page.getByRole("heading", { name: "Account", exact: true })).toBeVisible();
      await expect(page.getByRole("region", { name: "You", exact: true }).getByText(carol.name, { exact: true })).toBeVisible();
      await carol.settled();
      await carol.signOut();
      await carol.signIn();
      await expect(page.getByRole("heading", { name: "Your VMs" })).toBeVisible();
    });
  }
});
