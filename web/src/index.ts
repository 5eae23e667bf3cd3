/** The bundle of the shell page: defines `<mc-terminal>`. */

import "@xterm/xterm/css/xterm.css";
import "./mc-terminal.css";

import { McTerminal } from "./element.ts";

if (customElements.get("mc-terminal") === undefined) {
  customElements.define("mc-terminal", McTerminal);
}
