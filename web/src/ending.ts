/** What a closed socket means: whether to come back, and what the page says. */

/** Why a shell will not come back on this page. */
export type Ending =
  | { kind: "exited"; code: number | null }
  | { kind: "vm_stopped" }
  /** `why`: the words of the close, where they say more; `signInHelps`: nobody is signed in any more. */
  | { kind: "revoked"; why?: string; signInHelps?: true }
  /** `why`: the node's words, where it has some beyond that. */
  | { kind: "shell_not_found"; why?: string }
  | { kind: "too_many_viewers" }
  | { kind: "malformed" }
  | { kind: "version" };

/** Why the connection is away for now. */
export type Loss = "network" | "restart" | "node_unreachable" | "busy";

/** Close codes of docs/shell-protocol.md that end the matter; all others are a {@link Loss}. */
const ENDINGS: Readonly<Record<number, Ending>> = {
  4001: { kind: "exited", code: null },
  4003: { kind: "revoked" },
  4004: { kind: "shell_not_found" },
  4010: { kind: "vm_stopped" },
  4400: { kind: "malformed" },
  4429: { kind: "too_many_viewers" },
};

/** Words of the server and of a node that knows nothing of a shell, which add nothing to the code. */
const EMPTY_WORDS: readonly string[] = ["", "access was taken back", "it has ended"];

/** The ending a close code stands for, or `null` when it is worth coming back. */
export function endingOf(code: number, reason: string): Ending | null {
  const ending = ENDINGS[code] ?? null;
  if (ending?.kind !== "shell_not_found" && ending?.kind !== "revoked") return ending;
  return EMPTY_WORDS.includes(reason) ? ending : { ...ending, why: reason };
}

/** Why the connection was lost, from the close code of a socket worth opening again. */
export function lossOf(code: number): Loss {
  if (code === 1012) return "restart";
  // More input waits than a shell takes, or its node is just taking it up again.
  if (code === 1013) return "busy";
  return code === 4503 ? "node_unreachable" : "network";
}

/**
 * Why the connection is away, where this outage was known to be for `before`: who restarts, or has no node to
 * ask, answers nobody for a while, so that nobody answers then is nothing new.
 */
export function lossAfter(before: Loss | null, now: Loss): Loss {
  const explains = before === "restart" || before === "node_unreachable";
  return now === "network" && explains ? before : now;
}
