/** Making elements. No markup from strings but the icons', which are part of this bundle. */

type Attributes = Record<string, string>;

/** An element with attributes and children; a string child becomes text. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** An icon from its SVG text, hidden from screen readers: the button has a label. */
export function icon(svg: string): Element {
  const template = document.createElement("template");
  template.innerHTML = svg;
  const element = template.content.querySelector("svg");
  if (element === null) throw new TypeError("an icon without <svg>");
  element.setAttribute("aria-hidden", "true");
  element.setAttribute("class", "mct-icon");
  return element;
}

/** A button that shows an icon and says `label` on hover and to screen readers. */
export function iconButton(svg: string, label: string, press: () => void): HTMLButtonElement {
  const button = make("button", { type: "button", class: "mct-button", title: label });
  button.setAttribute("aria-label", label);
  button.append(icon(svg));
  button.addEventListener("click", press);
  return button;
}

/** A button with words on it. */
export function textButton(label: string, press: () => void): HTMLButtonElement {
  const button = make("button", { type: "button", class: "mct-action" }, label);
  button.addEventListener("click", press);
  return button;
}
