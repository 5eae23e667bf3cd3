/** What a page must not do while a test looks: complain on the console, throw, answer 400 or more. */

import type { BrowserContext } from "@playwright/test";

export class Watch {
  private readonly found: string[] = [];
  private readonly expected: RegExp[] = [];

  /** Follows all pages of `context`, also those opened later. */
  follow(context: BrowserContext): void {
    context.on("console", (message) => {
      if (!["error", "warning"].includes(message.type())) return;
      this.found.push(`console ${message.type()}: ${message.text()} (${message.location().url})`);
    });
    context.on("weberror", (error) => this.found.push(`page error: ${String(error.error())}`));
    context.on("response", (response) => {
      if (response.status() < 400) return;
      this.found.push(`status ${response.status()}: ${response.request().method()} ${response.url()}`);
    });
  }

  /** From now on, and for what has been found already, complaints that match are part of the test. */
  expectFailure(pattern: RegExp): void {
    this.expected.push(pattern);
  }

  /** Complaints that no test announced. */
  complaints(): string[] {
    return this.found.filter((line) => !this.expected.some((pattern) => pattern.test(line)));
  }
}
