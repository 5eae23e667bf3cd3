/** Going about by keyboard alone. */

import { expect, type Locator, type Page } from "@playwright/test";

/** Far more than any page has stops. */
const STOPS_MAX = 80;
/** The list of events has a link for each. */
const TABS_MAX = 400;

/** Presses Tab until `wanted` has the focus, which is then to be seen. */
export async function tabTo(wanted: Locator): Promise<void> {
  const page = wanted.page();
  for (let stop = 0; stop < STOPS_MAX; stop++) {
    // It may be drawn anew at any moment: asked for each time.
    const has = await wanted.evaluateAll((found) => found.some((element) => element === document.activeElement));
    if (has) return seen(wanted);
    await page.keyboard.press("Tab");
  }
  throw new Error(`${STOPS_MAX} times Tab do not lead to ${wanted}`);
}

/** Presses Enter there. */
export async function enter(wanted: Locator): Promise<void> {
  await tabTo(wanted);
  await wanted.page().keyboard.press("Enter");
}

/**
 * Goes through the whole page by Tab; answers how many stops there are, and those which do not show that they have
 * the focus. A radio button's tile shows it for the button.
 */
export async function tabThrough(page: Page): Promise<{ stops: number; unseen: string[] }> {
  const unseen: string[] = [];
  for (let stops = 0; stops < TABS_MAX; stops++) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const element = document.activeElement;
      if (element === null || element === document.body || element.hasAttribute("data-stop")) return null;
      element.setAttribute("data-stop", "");
      const ringed = (shown: Element | null) => {
        if (shown === null) return false;
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(shown);
        return (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
      };
      return { seen: ringed(element) || ringed(element.closest("label")), html: element.outerHTML.slice(0, 160) };
    });
    if (stop === null) return { stops, unseen };
    if (!stop.seen) unseen.push(stop.html);
  }
  throw new Error(`${TABS_MAX} times Tab do not lead to the end of ${page.url()}`);
}

/** The ring around it is drawn. */
async function seen(wanted: Locator): Promise<void> {
  const ring = (element: Element) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
    return (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
  };
  await expect.poll(() => wanted.evaluate(ring), { message: `the focus on ${wanted} is seen` }).toBe(true);
}
