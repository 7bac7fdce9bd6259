// Turns values into JSON that the database can store, or says where it could not. Pure.
//
// JSON.stringify writes null for NaN and for undefined in a list, {} for a Map, and leaves out functions, without a
// word. PostgreSQL knows no NUL character and no half of a surrogate pair. All of these are refused here.

import { ContractError } from "./errors.ts";

/** What JSON can hold. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The largest value that is stored, in bytes of JSON. */
export const LARGEST_VALUE = 16 * 1024 * 1024;

const DEEPEST = 200; // the worker's own JSON ends at 254, with what it puts around
const HOLLOW = [Map, Set, WeakMap, WeakSet, WeakRef, Promise, RegExp, Error, ArrayBuffer, DataView];

/**
 * The JSON of a value; `undefined` is null, and a property that is undefined is left out.
 *
 * Throws a ContractError that begins with `subject` and says where the value cannot be JSON.
 */
export function encode(value: unknown, subject: string): string {
  if (value === undefined || value === null) return "null";
  const text = stringify(value, subject);
  if (text.includes("\\u0000") || text.includes("\\ud")) {
    const unstorable = findUnstorable(JSON.parse(text));
    if (unstorable !== undefined) refuse(subject, unstorable);
  }
  if (text.length * 3 > LARGEST_VALUE && Buffer.byteLength(text) > LARGEST_VALUE) {
    const bytes = Buffer.byteLength(text).toLocaleString("en");
    throw new ContractError(`${subject}: has ${bytes} bytes as JSON; ${LARGEST_VALUE.toLocaleString("en")} is the most`);
  }
  return text;
}

function stringify(value: unknown, subject: string): string {
  try {
    const fault = findFault(value, 0);
    if (fault !== undefined) refuse(subject, fault);
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof ContractError) throw error;
    const name = error instanceof Error ? error.name : "something";
    throw new ContractError(`${subject}: making it JSON throws ${name}`, { cause: error }); // a toJSON, or a getter
  }
}

/** JSON of something for the log: what JSON cannot hold stands as text, and nothing is refused. */
export function encodeLoosely(value: unknown): string {
  const ancestors: unknown[] = [];
  function show(this: unknown, _key: string, item: unknown): unknown {
    if (typeof item === "string") return storable(item);
    if (typeof item === "number" ? !Number.isFinite(item) : ["bigint", "function", "symbol"].includes(typeof item)) {
      return String(item);
    }
    if (item instanceof Error) return storable(`${item.name}: ${item.message}`);
    if (typeof item !== "object" || item === null) return item;
    while (ancestors.length > 0 && ancestors.at(-1) !== this) ancestors.pop();
    if (ancestors.includes(item) || ancestors.length > DEEPEST) return "[…]";
    ancestors.push(item);
    return item;
  }
  try {
    return JSON.stringify(value, show) ?? "null";
  } catch (error) {
    return JSON.stringify(`(cannot be shown: ${storable(String(error))})`);
  }
}

/** A text as the database takes it: NUL and halves of surrogate pairs replaced. */
export function storable(text: string): string {
  return text.isWellFormed() && !text.includes("\0") ? text : text.replaceAll("\0", "\\0").toWellFormed();
}

interface Fault {
  readonly path: (string | number)[];
  readonly what: string;
}

function refuse(subject: string, { path, what }: Fault): never {
  const where = path.reverse().map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`));
  throw new ContractError(`${subject}: $${storable(where.join(""))} ${what}`);
}

function findFault(value: unknown, depth: number): Fault | undefined {
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined;
    case "number":
      return Number.isFinite(value) ? undefined : { path: [], what: `is ${value}, which JSON cannot express` };
    case "object":
      return value === null ? undefined : findFaultInside(value, depth);
    case "bigint":
      return { path: [], what: "is a BigInt, which JSON cannot express; give a string, or a Number" };
    default:
      return { path: [], what: `is ${typeof value === "undefined" ? "undefined" : `a ${typeof value}`}, which is no JSON` };
  }
}

function findFaultInside(value: object, depth: number): Fault | undefined {
  if (depth > DEEPEST) return { path: [], what: `refers to itself, or is nested more than ${DEEPEST} deep` };
  if (Array.isArray(value)) return findFaultInList(value, depth);
  if ("toJSON" in value && typeof value.toJSON === "function") {
    if (value instanceof Date && Number.isNaN(value.getTime())) return { path: [], what: "is an invalid date" };
    return findFault(value.toJSON(""), depth + 1);
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    const hollow = HOLLOW.find((kind) => value instanceof kind) ?? (ArrayBuffer.isView(value) ? value.constructor : null);
    if (hollow) return { path: [], what: `is a ${hollow.name}, of which JSON would hold nothing` };
    if (value instanceof Number) return findFault(value.valueOf(), depth);
  }
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    if (item === undefined) continue;
    const fault = findFault(item, depth + 1);
    if (fault !== undefined) return under(fault, key, depth);
  }
  return undefined;
}

function findFaultInList(value: readonly unknown[], depth: number): Fault | undefined {
  for (let index = 0; index < value.length; index++) {
    const fault = findFault(value[index], depth + 1);
    if (fault !== undefined) return under(fault, index, depth);
  }
  return undefined;
}

/** The path of a value that refers to itself says nothing beyond its first steps. */
function under(fault: Fault, key: string | number, depth: number): Fault {
  if (fault.what.startsWith("refers") && depth > 3) return fault;
  fault.path.push(key);
  return fault;
}

function findUnstorable(value: unknown): Fault | undefined {
  if (typeof value === "string") {
    if (value.includes("\0")) return { path: [], what: "holds a NUL character, which PostgreSQL cannot store" };
    return value.isWellFormed() ? undefined : { path: [], what: "holds half of a surrogate pair, which is no text" };
  }
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const fault = findUnstorable(key) ?? findUnstorable(item);
    if (fault !== undefined) return under(fault, Array.isArray(value) ? Number(key) : key, 0);
  }
  return undefined;
}
