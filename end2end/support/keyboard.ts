/** Going about by keyboard alone. */

import { expect, type Locator } from "@playwright/test";

/** Far more than any page has stops. */
const STOPS_MAX = 80;

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

/** The ring around it is drawn. */
async function seen(wanted: Locator): Promise<void> {
  const ring = (element: Element) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
    return (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
  };
  await expect.poll(() => wanted.evaluate(ring), { message: `the focus on ${wanted} is seen` }).toBe(true);
}
