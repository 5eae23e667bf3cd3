/** What the banner says of a connection that is away, and of a shell that will not come back. */

import type { Ending, Loss } from "./ending.ts";

export const LOSS_WORDS: Record<Loss, string> = {
  network: "Connection lost. The shell goes on; what you type is kept.",
  restart: "MiniCloud restarts. The shell goes on; what you type is kept.",
  node_unreachable: "The VM’s node does not answer. What you type is kept.",
  busy: "The shell is busy and takes no input yet; trying again. What you type is kept.",
};

/** Why the shell of `vm` is over; `owner` is whose it is, when it is not the viewer's. */
export function endingWords(ending: Ending, vm: string, owner: string | null): string {
  switch (ending.kind) {
    case "exited":
      return ending.code === null ? "The shell has ended." : `The shell has ended (exit code ${ending.code}).`;
    case "shell_not_found":
      if (owner !== null) return "This shell is gone, or is not shared with you any more.";
      return ending.why === undefined ? "This shell is gone." : `This shell is gone: ${ending.why}.`;
    case "vm_stopped":
      if (owner !== null) return `${vm} was stopped. Ask ${owner} to share another shell.`;
      return `${vm} was stopped; its files are kept.`;
    case "revoked":
      return revokedWords(ending, vm, owner);
    case "too_many_viewers":
      return "As many viewers as can be are watching this shell.";
    case "malformed":
      return "The connection sent something unreadable. The shell goes on.";
    case "version":
      return "MiniCloud was updated and speaks another version now.";
  }
}

function revokedWords(
  { why, signInHelps }: Extract<Ending, { kind: "revoked" }>,
  vm: string,
  owner: string | null,
): string {
  if (signInHelps === true) return "Your access to this shell has ended. Sign in again to come back to it.";
  if (why !== undefined) return `Your access to this shell has ended: ${why}.`;
  // A VM that is deleted takes all rights to it along, and the server tells no more of it.
  if (owner === null) return `Your access to this shell has ended, or ${vm} was deleted.`;
  return `Your access to this shell has ended. Ask ${owner} to share it again.`;
}
