/** axe, as the tests ask it. */

import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";

/**
 * The rules that look at colours. One scheme differs from the other in its colours alone (style/tokens.css), so that
 * of a page that all rules have seen in one, these are what is left to be asked in the other.
 */
const OF_COLOURS = ["color-contrast", "link-in-text-block"];

/** All rules, and `more` that are off by themselves. */
export function axe(page: Page, ...more: string[]): AxeBuilder {
  const rules = Object.fromEntries(more.map((rule) => [rule, { enabled: true }]));
  // No page has frames. Without this axe would open a page of its own each time, to put together what it found in each.
  return new AxeBuilder({ page }).options({ rules, resultTypes: ["violations"] }).setLegacyMode();
}

/** What is left to be asked of the same page in the other colour scheme. */
export function axeOfColours(page: Page): AxeBuilder {
  return axe(page).withRules(OF_COLOURS);
}
