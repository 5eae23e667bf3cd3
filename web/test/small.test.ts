import assert from "node:assert/strict";
import { test } from "node:test";

import { countLines, needsGuard, sanitizePaste } from "../src/clipboard.ts";
import { attachUrl } from "../src/environment.ts";
import { joinedEmoji } from "../src/joined-emoji.ts";
import { Rest } from "../src/rest.ts";
import { Retry } from "../src/retry.ts";
import { toHex } from "../src/theme.ts";
import { controlByte } from "../src/touch-keys.ts";
import { WholeCharacters } from "../src/whole-characters.ts";

test("the address of an attachment has the page's security and all it needs to resume", () => {
  const size = { cols: 80, rows: 24 };
  assert.equal(
    attachUrl(new URL("https://cloud.test/shells/1/attach"), "0123456789abcdef", 7, size),
    "wss://cloud.test/shells/1/attach?client=0123456789abcdef&parts=1&from=7&cols=80&rows=24",
  );
  const first = attachUrl(new URL("http://127.0.0.1:5555/shells/1/attach"), "a", null, size);
  assert.ok(first.startsWith("ws://127.0.0.1:5555/") && !first.includes("from"));
});

test("attempts are spread over the upper half of their wait: a room full of pages does not come back at once", () => {
  const waits = [0, 0.5, 1].map((chance) => {
    const retry = new Retry(() => () => {}, () => chance, () => {});
    return [retry.plan(false), retry.plan(false)];
  });
  assert.deepEqual(waits, [[125, 250], [187.5, 375], [250, 500]]);
});

test("a window that is drawn larger step by step is told once, when it rests", () => {
  let [now, told] = [0, 0];
  let timers: { at: number; action: () => void }[] = [];
  const after = (delay: number, action: () => void) => {
    const timer = { at: now + delay, action };
    timers.push(timer);
    return () => void (timers = timers.filter((other) => other !== timer));
  };
  const rest = new Rest(after, 60, () => (told += 1));
  for (; now < 1_000; now += 20) rest.moved();
  assert.deepEqual([told, timers.map(({ at }) => at)], [0, [1_040]]);
  timers[0]?.action();
  assert.equal(told, 1);
  rest.moved();
  rest.stop();
  assert.deepEqual(timers, []);
});

test("a paste with a line break is asked about, unless the program marks pastes", () => {
  assert.equal(needsGuard("ls", false), false);
  assert.equal(needsGuard("ls\n", false), true);
  assert.equal(needsGuard("a\rb", false), true);
  assert.equal(needsGuard("a\nb", true), false);
});

test("a paste cannot end its own brackets", () => {
  assert.equal(sanitizePaste("a\u001b[201~rm"), "a\u241b[201~rm");
});

test("a paste presses no keys: of all control characters only tabs and line breaks are left", () => {
  assert.equal(sanitizePaste("rm\u000fls\u0003\u0000\u007f"), "rm\u240fls\u2403\u2400\u2421");
  const all = Array.from({ length: 0x100 }, (_, code) => String.fromCharCode(code)).join("");
  const left = sanitizePaste(all).match(/\p{Cc}/gu);
  assert.deepEqual(left, ["\t", "\n", "\r"]);
  assert.equal(sanitizePaste(all).length, all.length);
  assert.equal(sanitizePaste("é漢👩‍🚀\u00a0"), "é漢👩‍🚀\u00a0");
});

test("lines are counted as a person would", () => {
  assert.deepEqual(["a", "a\n", "a\r\nb\r\n", "\n\n"].map(countLines), [1, 1, 2, 2]);
});

test("colours come out as hex, whatever the browser computed", () => {
  assert.equal(toHex("color(srgb 1 0.5 0)"), "#ff8000");
  assert.equal(toHex("color(srgb 0 0 0 / 0.5)"), "#00000080");
  assert.equal(toHex("color(srgb -0.01 1.2 1e-7)"), "#00ff00");
  assert.equal(toHex("rgb(1, 2, 255)"), "#0102ff");
});

test("Ctrl makes control characters of letters and signs, and leaves the rest", () => {
  const control = (key: string): number => controlByte(key.charCodeAt(0));
  assert.deepEqual(["c", "C", "[", " ", "?", "1"].map(control), [3, 3, 27, 0, 127, 49]);
});

test("a stream cut anywhere comes out whole, each piece decodable by itself", () => {
  const bytes = new TextEncoder().encode("a\u00a0é…\u200d漢👩x");
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second++) {
      const characters = new WholeCharacters();
      const pieces = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)];
      const decoder = (): TextDecoder => new TextDecoder("utf-8", { fatal: true });
      const words = pieces.map((piece) => decoder().decode(characters.next(piece)));
      assert.equal(words.join(""), "a\u00a0é…\u200d漢👩x");
    }
  }
});

test("text that was encoded twice comes without the controls that it seems to hold, however it is cut", () => {
  const twice = "\u00e2\u0080\u009chello\u00e2\u0080\u009d\u0080\u009f\u00a0world\u0098";
  const bytes = new TextEncoder().encode(twice);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const characters = new WholeCharacters();
    const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)];
    const words = pieces.map((piece) => new TextDecoder().decode(characters.next(piece)));
    assert.equal(words.join(""), "\u00e2hello\u00e2\u00a0world");
  }
});

test("bytes that are no UTF-8 are passed on, at the latest with the next ones", () => {
  const characters = new WholeCharacters();
  const out = [[0xff, 0x80], [0x80, 0x80, 0x80], [0xe9], [0x41]].flatMap((bytes) => [
    ...characters.next(Uint8Array.from(bytes)),
  ]);
  assert.deepEqual(out, [0xff, 0x80, 0x80, 0x80, 0x80, 0xe9, 0x41]);
});

test("emoji of several parts are drawn as one, and nothing else is", () => {
  const found = (text: string): string[] => joinedEmoji(text).map(([from, to]) => text.slice(from, to));
  for (const whole of ["👨‍👩‍👧", "👍🏽", "👩🏽‍🚀", "🏳️‍🌈", "❤️‍🔥", "🇩🇪"]) {
    assert.deepEqual(found(`a${whole}b${whole}`), [whole, whole]);
  }
  assert.deepEqual(found("🇩🇪🇨🇭"), ["🇩🇪", "🇨🇭"]);
  for (const apart of ["👍👍", "👍 🏽", "❤️", "1️⃣", "🇩", "日本", "e\u0301", "a\u200db", ""]) {
    assert.deepEqual(found(apart), [], apart);
  }
});
