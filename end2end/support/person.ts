/** Somebody who uses MiniCloud in a browser of their own. Everything by role and label. */

import { expect, type APIResponse, type Locator, type Page } from "@playwright/test";

import { recordCookies, recordName, recordSecret } from "./secret.ts";
import { ShellView } from "./shell.ts";

/** A create may have to wait for nothing but the engine: the tests' image is there already. */
const CREATE_MS = 60_000;
/** A shutdown gives programs 10 s, and the engine a little more. */
const STOP_MS = 40_000;

export interface Wish {
  size?: string;
  image?: string;
  /** Needs a key on the account, and an image with an SSH server. */
  publishSsh?: boolean;
}

export class Person {
  constructor(
    readonly page: Page,
    readonly name: string,
    /** Whether script runs in this browser. */
    private readonly scripted = true,
    readonly password = `otter-${name}-climbs-lanterns`,
  ) {}

  /** Opens a page and waits until its script runs, where script may run. */
  async visit(path: string): Promise<void> {
    await this.page.goto(path);
    await this.settled();
  }

  /** Waits until the page's script has taken over. Without script there is nothing to wait for. */
  async settled(): Promise<void> {
    if (!this.scripted) return;
    await this.page.locator("html[data-script=on]").waitFor({ state: "attached" });
  }

  async register(): Promise<void> {
    recordName(this.name);
    await this.visit("/register");
    await this.page.getByLabel("User name").fill(this.name);
    await this.page.getByLabel("Password", { exact: true }).fill(this.password);
    await this.page.getByRole("button", { name: "Create account" }).click();
    await expect(this.page.getByRole("heading", { name: "Your VMs" })).toBeVisible();
    await this.settled();
  }

  /** Makes the account as `register` does, but without that page; what it looks like is for other tests. */
  async join(): Promise<void> {
    recordName(this.name);
    await this.enter("/api/account_create");
    await this.visit("/");
    await expect(this.page.getByRole("heading", { name: "Your VMs" })).toBeVisible();
  }

  /** Signs in without the page, or does what else takes name and password and signs in. No page is opened. */
  async enter(path = "/api/login"): Promise<void> {
    recordSecret("password", this.password);
    const answer = await this.send(path, { name: this.name, password: this.password });
    expect(answer.status(), await answer.text()).toBe(200);
    // What a request without a page gets is noted by nobody else.
    await recordCookies(this.page.context());
  }

  /** Deletes the account without the page, if this browser is signed in to one. */
  async vanish(): Promise<void> {
    const answer = await this.send("/api/account_delete", { confirm: "YES" });
    expect([200, 401], await answer.text()).toContain(answer.status());
  }

  /** Sends a form as the script of a page does. */
  private send(path: string, form: Record<string, string>): Promise<APIResponse> {
    const headers = { Accept: "application/json", "Sec-Fetch-Site": "same-origin" };
    return this.page.request.post(path, { headers, form });
  }

  async signIn(password = this.password): Promise<void> {
    await this.visit("/login");
    await this.page.getByLabel("User name").fill(this.name);
    await this.page.getByLabel("Password", { exact: true }).fill(password);
    await this.page.getByRole("button", { name: "Sign in" }).click();
  }

  async signOut(): Promise<void> {
    await this.visit("/logout");
    await this.page.getByRole("main").getByRole("button", { name: "Sign out" }).click();
    await expect(this.page.getByText("You are signed out.")).toBeVisible();
  }

  /** Fills in the form for a new VM and sends it; from the dashboard, or its own page. */
  async createVm(name: string, wish: Wish = {}): Promise<void> {
    await this.page.getByRole("link", { name: "New VM" }).first().click();
    await expect(this.page.getByRole("heading", { name: "New VM" })).toBeVisible();
    await this.page.getByLabel("Name", { exact: true }).fill(name);
    if (wish.size !== undefined) await this.tile(wish.size).check();
    if (wish.image !== undefined) await this.tile(wish.image).check();
    if (wish.publishSsh) {
      await this.page.locator("summary", { hasText: /^More$/ }).click();
      await this.page.getByLabel("Publish SSH (port 22)").check();
    }
    await this.page.getByRole("button", { name: "Create VM" }).click();
    await expect(this.row(name)).toBeVisible();
  }

  private tile(name: string): Locator {
    return this.page.getByRole("radio", { name: new RegExp(`^(.\\s+)?${name}\\b`) });
  }

  /** A VM's row on the dashboard. */
  row(vm: string): Locator {
    const link = this.page.getByRole("link", { name: vm, exact: true });
    return this.page.getByRole("main").getByRole("listitem").filter({ has: link });
  }

  /** Waits for a state in a row, live; without script by asking again. */
  async waitForState(vm: string, state: string, timeout = CREATE_MS): Promise<void> {
    const word = this.row(vm).getByText(state, { exact: true });
    await this.eventually(() => expect(word).toBeVisible({ timeout: this.patience(timeout) }), timeout);
  }

  /** Creates a VM and waits until it runs. */
  async runningVm(vm: string, wish: Wish = {}): Promise<void> {
    await this.createVm(vm, wish);
    await this.waitForState(vm, "Running");
  }

  async openShell(vm: string): Promise<ShellView> {
    await this.page.getByRole("link", { name: `Shell of ${vm}` }).click();
    const shell = new ShellView(this.page);
    await shell.connected();
    await shell.prompt();
    return shell;
  }

  /** Chooses from a VM's ⋯ menu, on the dashboard or its page. */
  async choose(vm: string, item: string): Promise<void> {
    await this.page.getByLabel(`More actions for ${vm}`).click();
    await this.activate(this.page.locator("details[open]").getByText(item));
  }

  /**
   * Chooses what stands in a menu that has just opened. Where script is switched off Chromium draws nothing once the menu
   * has come to rest, and a click would wait for the next frame to see that it has: there by keyboard.
   */
  async activate(item: Locator): Promise<void> {
    if (this.scripted) await item.click();
    else await item.press("Enter");
  }

  async shutDown(vm: string): Promise<void> {
    await this.choose(vm, "Shut down");
    await this.waitForState(vm, "Stopped", STOP_MS);
  }

  async start(vm: string): Promise<void> {
    await this.row(vm).getByRole("button", { name: "Start" }).click();
    await this.waitForState(vm, "Running");
  }

  async deleteVm(vm: string): Promise<void> {
    await this.choose(vm, "Delete…");
    await expect(this.page.getByRole("heading", { name: `Delete ${vm}?` })).toBeVisible();
    await this.page.getByRole("button", { name: `Delete ${vm}` }).click();
    await expect(this.page.getByRole("heading", { name: "Your VMs" })).toBeVisible();
    const gone = () => expect(this.row(vm)).toHaveCount(0, { timeout: this.patience(STOP_MS) });
    await this.eventually(gone, STOP_MS);
  }

  /** A page with script changes by itself; one without is asked for again and again. */
  private async eventually(check: () => Promise<void>, timeout: number): Promise<void> {
    if (this.scripted) return check();
    await expect(async () => {
      await this.page.reload();
      await check();
    }).toPass({ timeout });
  }

  private patience(timeout: number): number {
    return this.scripted ? timeout : 500;
  }

  /** The id of a VM, from its page. Stays on that page. */
  async vmId(vm: string): Promise<string> {
    await this.visit(`/vms/${vm}`);
    const text = await this.page.getByRole("main").innerText();
    const id = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/.exec(text)?.[0];
    if (id === undefined) throw new Error(`no id on the page of ${vm}:\n${text}`);
    return id;
  }

  /** Deletes the account with all its VMs. */
  async deleteAccount(): Promise<void> {
    await this.visit("/account");
    await this.page.getByLabel("Type YES to confirm").fill("YES");
    await this.page.getByRole("button", { name: "Delete account" }).click();
    await expect(this.page.getByText("Your account and its VMs are deleted.")).toBeVisible({ timeout: STOP_MS });
  }
}
