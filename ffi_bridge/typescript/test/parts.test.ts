// The small parts: lines, JSON, durations, failures, and what the package says of itself.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { decode } from "../src/decode.ts";
import { toSeconds } from "../src/durations.ts";
import { describeFailure } from "../src/failures.ts";
import { encode, encodeLoosely } from "../src/json.ts";
import { LineReader } from "../src/lines.ts";
import { VERSION } from "../src/version.ts";

test("names with escapes are read as they are", () => {
  decode('{"h":[],"\\\\":0}'); // V8 takes such a name for others that it reads later (nodejs/node#63785)
  for (const name of ['"', "\r", "\\", 'a"', "__proto__", "\ue0000"]) {
    const value = { h: 1, [name]: [{ "\n": name }], "\\d": "\\ud83d" };
    assert.deepEqual(decode(JSON.stringify(value)), value);
  }
});

describe("lines", () => {
  function read(longest: number, ...chunks: string[]): string[] {
    const taken: string[] = [];
    const reader = new LineReader(longest, (line) => taken.push(line), (why) => taken.push(`(${why})`));
    for (const chunk of chunks) reader.push(Buffer.from(chunk, "latin1"));
    reader.end();
    return taken;
  }

  test("come however they are cut", () => {
    const text = "one\ntwo\n\nthree\nfour";
    const expected = ["one", "two", "", "three", "four"];
    for (let cut = 0; cut <= text.length; cut++) assert.deepEqual(read(100, text.slice(0, cut), text.slice(cut)), expected);
    assert.deepEqual(read(100, ...text), expected);
  });

  test("that are too long are skipped, wherever they stand", () => {
    assert.deepEqual(read(4, "abcd\nabc\nabcde\nab\nabcdef"), ["(too long)", "abc", "(too long)", "ab", "(too long)"]);
    assert.deepEqual(read(4, "a\n", "abc", "defg", "hijk", "l\nb\n"), ["a", "(too long)", "b"]);
  });

  test("that are no UTF-8 are refused alone", () => {
    assert.deepEqual(read(100, "a\nb\n\xff\nc\n"), ["a", "b", "(no UTF-8)", "c"]);
    assert.deepEqual(read(100, "\xc3", "\xa9\n"), ["é"]);
  });
});

describe("JSON", () => {
  class Money {
    cents = 5;
  }

  test("is what JSON.stringify makes of what JSON can hold", () => {
    const list = [null, true, "é🙂\\u0000\\ud800", -0.5, 1e300, [], {}, new Date(0), new Money(), { toJSON: () => [1] }, Object.create(null)];
    for (const value of [...list, list]) assert.equal(encode(value, "it"), JSON.stringify(value));
    assert.equal(encode(undefined, "it"), "null");
    let deep: unknown = 1;
    for (let depth = 0; depth < 200; depth++) deep = [deep];
    assert.equal(encode(deep, "it"), JSON.stringify(deep));
    for (let depth = 0; depth < 60; depth++) deep = [deep]; // above what the worker's own JSON can carry
    assert.throws(() => encode(deep, "it"), /nested more than 200 deep/);
  });

  for (const [value, message] of [
    [new Map(), "it: $ is a Map, of which JSON would hold nothing"],
    [{ a: [new Set()] }, "it: $.a[0] is a Set, of which JSON would hold nothing"],
    [new Error("e"), "it: $ is a Error, of which JSON would hold nothing"],
    [{ p: Promise.resolve() }, "it: $.p is a Promise, of which JSON would hold nothing"],
    [new Uint8Array(2), "it: $ is a Uint8Array, of which JSON would hold nothing"],
    [new Date(Number.NaN), "it: $ is an invalid date"],
    [-Infinity, "it: $ is -Infinity, which JSON cannot express"],
    [Symbol("s"), "it: $ is a symbol, which is no JSON"],
    [{ toJSON: () => 1n }, "it: $ is a BigInt, which JSON cannot express; give a string, or a Number"],
    [{ "\0": 1 }, "it: $.\\0 holds a NUL character, which PostgreSQL cannot store"],
    [["🙂".slice(0, 1)], "it: $[0] holds half of a surrogate pair, which is no text"],
  ] as const) {
    test(`is refused: ${message}`, () => {
      assert.throws(() => encode(value, "it"), { name: "ContractError", message });
    });
  }

  test("for the log refuses nothing", () => {
    assert.equal(encodeLoosely({ a: 1n, b: Number.NaN, c: [new TypeError("t")], d: "\ud800" }), '{"a":"1","b":"NaN","c":["TypeError: t"],"d":"\ufffd"}');
    const twice = { x: 1 };
    assert.equal(encodeLoosely({ a: twice, b: twice }), '{"a":{"x":1},"b":{"x":1}}');
    assert.equal(encodeLoosely(undefined), "null");
    const bad = { get a(): never { throw new Error("no"); } };
    assert.match(encodeLoosely(bad), /cannot be shown: Error: no/);
  });
});

test("durations are seconds, or texts", () => {
  const texts = { "30s": 30, "1h30m": 5400, "250ms": 0.25, "1d": 86_400, "1.5m": 90, "1 h 1 s": 3601 };
  for (const [text, seconds] of Object.entries(texts)) assert.equal(toSeconds(text), seconds);
  assert.equal(toSeconds(0), 0);
  for (const wrong of ["", "s", "30", "1w", -1, Number.NaN, Infinity, "3651d", null as never]) {
    assert.throws(() => toSeconds(wrong), RangeError);
  }
});

test("a value whose toJSON throws is no JSON", () => {
  const hostile = { toJSON(): never { throw new RangeError("no"); } };
  assert.throws(() => encode({ a: [hostile] }, "it"), { name: "ContractError", message: "it: making it JSON throws RangeError" });
});

describe("failures", () => {
  test("are known by a name that was given to them, or by their class", () => {
    class Declined extends TypeError {}
    assert.deepEqual(describeFailure(new Declined("no")).kinds, ["Declined", "TypeError", "Error"]);
    const named = Object.assign(new Error("e"), { name: "Custom" });
    assert.deepEqual(describeFailure(named).kinds, ["Custom", "Error"]);
    assert.equal(describeFailure(AbortSignal.abort().reason).type, "AbortError");
    assert.equal(describeFailure(new Declined()).message, "Declined");
  });

  test("of any kind are described", () => {
    const hostile = { get message(): never { throw new Error(); }, toJSON(): never { throw new Error(); } };
    for (const thrown of [undefined, null, 0, 1n, Symbol("s"), {}, hostile, Object.create(null)]) {
      const { type, message } = describeFailure(thrown);
      assert.ok(type.length > 0 && message.length > 0);
    }
    const own = new Error(`cannot read ${new URL("../src/index.ts", import.meta.url).href}`);
    assert.match(describeFailure(own).traceback ?? "", /^Error: cannot read/);
    const causes = describeFailure(new AggregateError([new Error("one")], "all", { cause: "a text" })).traceback ?? "";
    assert.match(causes, /one of them: Error: one\n?.*caused by: a text/s);
    const circle = new Error("circle");
    circle.cause = circle;
    assert.ok((describeFailure(circle).traceback ?? "").length <= 30_000);
  });
});

test("the version is the package's", () => {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  assert.equal(VERSION, version);
});
