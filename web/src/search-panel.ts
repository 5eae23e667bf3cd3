/** Search in what the terminal shows and in its scrollback. */

import { type ISearchOptions, SearchAddon } from "@xterm/addon-search";
import type { Terminal } from "@xterm/xterm";
import caseIcon from "lucide-static/icons/case-sensitive.svg";
import downIcon from "lucide-static/icons/chevron-down.svg";
import upIcon from "lucide-static/icons/chevron-up.svg";
import closeIcon from "lucide-static/icons/x.svg";

import { iconButton, make } from "./dom.ts";
import { readSearchColors } from "./theme.ts";

export class SearchPanel {
  readonly element: HTMLElement;
  private readonly addon = new SearchAddon({ highlightLimit: 1000 });
  private readonly field = make("input", {
    type: "search",
    class: "mct-search-field",
    placeholder: "Search",
    "aria-label": "Search in the terminal",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
  });
  private readonly count = make("output", { class: "mct-search-count" });
  private readonly caseButton = iconButton(caseIcon, "Match case", () => this.toggleCase());
  private matchCase = false;

  constructor(private readonly xterm: Terminal) {
    xterm.loadAddon(this.addon);
    this.addon.onDidChangeResults(({ resultIndex, resultCount }) =>
      this.show(resultIndex, resultCount),
    );
    this.caseButton.setAttribute("aria-pressed", "false");
    this.element = make(
      "div",
      { class: "mct-search", role: "search", hidden: "" },
      this.field,
      this.count,
      this.caseButton,
      iconButton(upIcon, "Previous match", () => this.find(-1)),
      iconButton(downIcon, "Next match", () => this.find(1)),
      iconButton(closeIcon, "Close search", () => this.close()),
    );
    this.field.addEventListener("input", () => this.find(-1, true));
    this.element.addEventListener("keydown", (event) => this.pressed(event));
  }

  open(): void {
    this.element.hidden = false;
    const selected = this.xterm.getSelection();
    if (selected !== "" && !selected.includes("\n")) this.field.value = selected;
    this.field.focus();
    this.field.select();
    if (this.field.value !== "") this.find(-1, true);
  }

  close(): void {
    if (this.element.hidden) return;
    this.element.hidden = true;
    this.addon.clearDecorations();
    this.xterm.focus();
  }

  toggle(): void {
    if (this.element.hidden) this.open();
    else this.close();
  }

  /** Upwards (-1) is the way one looks: from the newest output to older. */
  private find(direction: 1 | -1, incremental = false): void {
    const term = this.field.value;
    if (term === "") {
      this.addon.clearDecorations();
      this.count.textContent = "";
      return;
    }
    const options = { ...this.options(), incremental };
    if (direction === 1) this.addon.findNext(term, options);
    else this.addon.findPrevious(term, options);
  }

  private options(): ISearchOptions {
    const { match, active } = readSearchColors(this.element);
    return {
      caseSensitive: this.matchCase,
      decorations: {
        matchBackground: match,
        matchOverviewRuler: match,
        activeMatchBackground: active,
        activeMatchColorOverviewRuler: active,
      },
    };
  }

  private show(index: number, count: number): void {
    if (count === 0) this.count.textContent = "No match";
    else this.count.textContent = index < 0 ? `${count}+` : `${index + 1} of ${count}`;
  }

  private toggleCase(): void {
    this.matchCase = !this.matchCase;
    this.caseButton.setAttribute("aria-pressed", String(this.matchCase));
    this.find(-1, true);
  }

  private pressed(event: KeyboardEvent): void {
    if (event.key === "Escape") this.close();
    else if (event.key === "Enter" && event.target === this.field) this.find(event.shiftKey ? 1 : -1);
    else return;
    event.preventDefault();
  }
}
