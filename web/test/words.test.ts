import assert from "node:assert/strict";
import { test } from "node:test";

import { endingWords } from "../src/words.ts";

test("signing in is spoken of only where it helps", () => {
  for (const owner of [null, "ann"]) {
    assert.match(endingWords({ kind: "revoked", signInHelps: true }, "web1", owner), /Sign in/);
    for (const why of [undefined, "the VM was deleted"]) {
      const words = endingWords({ kind: "revoked", ...(why !== undefined && { why }) }, "web1", owner);
      assert.match(words, /^Your access to this shell has ended/);
      assert.doesNotMatch(words, /[Ss]ign in/);
    }
  }
});

test("the owner of a deleted VM is not sent to its owner", () => {
  const deleted = endingWords({ kind: "revoked", why: "the VM was deleted" }, "web1", null);
  assert.equal(deleted, "Your access to this shell has ended: the VM was deleted.");
  assert.match(endingWords({ kind: "revoked" }, "web1", null), /web1 was deleted/);
  assert.match(endingWords({ kind: "revoked" }, "web1", "ann"), /Ask ann/);
});
