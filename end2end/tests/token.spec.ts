/** API tokens: made and shown once on the account page, used by a program, revoked. */

import { baseURL } from "../playwright.config.ts";
import { recordSecret } from "../support/secret.ts";
import { expect, test } from "../support/test.ts";

for (const scripted of [true, false]) {
  test.describe(scripted ? "with script" : "without script", () => {
    test.use({ javaScriptEnabled: scripted });

    test("a token is shown once, works, and ends when it is revoked", async ({ alice, request, expectFailure }) => {
      expectFailure(/console warning: .*was preloaded using link preload but not used/);
      const { page } = alice;
      await alice.visit("/account");
      const section = page.getByRole("region", { name: "API tokens" });
      await section.getByLabel("Name", { exact: true }).fill("backup script");
      await section.getByRole("button", { name: "New token" }).click();
      await expect(section.getByText("The token is shown only now.")).toBeVisible();
      // Whoever chooses nothing gets one that ends.
      await expect(section.getByText(/until \d+ \w+ \d{4}/)).toBeVisible();
      const token = /mct_[0-9a-f]{64}/.exec(await section.innerText())?.[0] ?? "";
      recordSecret("API token", token);
      const ask = () => request.get(`${baseURL}/api/v1/me`, { headers: { Authorization: `Bearer ${token}` } });
      const answer = await ask();
      expect(answer.status(), token).toBe(200);
      expect(await answer.text()).toContain(alice.name);
      await alice.visit("/account");
      await expect(section).not.toContainText(token);
      await section.getByRole("form", { name: "Revoke backup script" }).getByRole("button").click();
      await expect(section.getByText("backup script")).toHaveCount(0);
      expect((await ask()).status()).toBe(401);
    });
  });
}
