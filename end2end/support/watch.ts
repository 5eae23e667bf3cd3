/** What a page must not do while a test looks: complain on the console, throw, answer 400 or more. */

import type { BrowserContext } from "@playwright/test";

/**
 * A page that is left while its part of the code is on the way says so. (One whose part never comes does not
 * come to life, which no test passes; a part that is not there is a status of 404.)
 */
const LEFT = [
  // Whatever the loader of parts says is that one did not come.
  /console error: [^]*\/pkg\/late\.[0-9a-f]+\.js\)$/,
  /console error: this page's code did not load/,
  // So does a shell's page that closes the socket which it was just opening.
  /console warning: WebSocket connection to [^]* failed: WebSocket is closed before the connection is established/,
];

export class Watch {
  private readonly found: string[] = [];
  private readonly expected: RegExp[] = [...LEFT];

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
