/** axe, as the tests ask it. */

import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

/**
 * The rules that look at colours. One scheme differs from the other in its colours alone (style/tokens.css), so that
 * of a page that all rules have seen in one, these are what is left to be asked in the other.
 */
const OF_COLOURS = ["color-contrast", "link-in-text-block"];

const VIEWPORTS = [
  { width: 390, height: 844 },
  { width: 1280, height: 800 },
];
const SCHEMES = ["light", "dark"] as const;

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

/** With the one rule that is off by itself: targets are large enough to be hit, or stand apart. */
export function allRules(page: Page): AxeBuilder {
  return axe(page, "target-size");
}

/**
 * Looks at a page in each theme and width. `open` opens it anew for each width; without it the page stays as it is, for
 * what no address leads to. The theme changes while it is open.
 */
export async function examineInEach(page: Page, what: string, open?: () => Promise<void>): Promise<void> {
  for (const viewport of VIEWPORTS) {
    await page.setViewportSize(viewport);
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      if (colorScheme === "light") await open?.();
      await expect(page.locator("[aria-busy=true]")).toHaveCount(0);
      const rules = colorScheme === "light" ? allRules(page) : axeOfColours(page);
      const { violations } = await rules.analyze();
      const findings = violations.map(({ id, help, nodes }) => ({
        id,
        help,
        where: nodes.slice(0, 3).map((node) => node.html.slice(0, 160)),
      }));
      expect.soft(findings, `${what}, ${colorScheme}, ${viewport.width} px`).toEqual([]);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect.soft(overflow, `${what} at ${viewport.width} px scrolls sideways`).toBeLessThanOrEqual(0);
    }
  }
}
