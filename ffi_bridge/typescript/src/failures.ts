// What went wrong, as it is sent. Pure.

import { storable } from "./json.ts";
import type { Failure } from "./protocol.ts";

const LONGEST_MESSAGE = 10_000;
const LONGEST_TRACE = 30_000;
const LIBRARY = new URL(".", import.meta.url).href;

/** Describe what a handler threw, whatever that is. Never throws. */
export function describeFailure(thrown: unknown): Failure {
  try {
    if (thrown instanceof Error) return describeError(thrown);
    const message = storable(typeof thrown === "string" ? thrown : (JSON.stringify(thrown) ?? String(thrown)));
    return { type: "NoError", message: message.slice(0, LONGEST_MESSAGE).toWellFormed(), kinds: [] };
  } catch {
    return { type: "NoError", message: "(what was thrown cannot be shown)", kinds: [] };
  }
}

function describeError(error: Error): Failure {
  const classes = classesOf(error);
  // A name that was given to the error itself, such as AbortError, says more than its class.
  const named = error.name && !classes.includes(error.name) ? [error.name] : [];
  const kinds = [...named, ...classes].map((name) => storable(name));
  const type = kinds[0] ?? "Error";
  const message = (storable(String(error.message)) || type).slice(0, LONGEST_MESSAGE).toWellFormed();
  return { type, message, kinds, traceback: storable(traceOf(error)).slice(-LONGEST_TRACE).toWellFormed() };
}

/** The names of the classes that an error derives from, its own first. */
function classesOf(error: Error): string[] {
  const names: string[] = [];
  for (let at: unknown = Object.getPrototypeOf(error); at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    const name = (at as { constructor?: { name?: unknown } }).constructor?.name;
    if (typeof name === "string" && name !== "" && !names.includes(name)) names.push(name);
  }
  return names;
}

/** Where it was thrown and what caused it, the first cause last; the frames of this library and of Node's insides left out. */
export function traceOf(error: Error): string {
  const parts: string[] = [];
  for (let at: unknown = error; at !== undefined && parts.length < 10; ) {
    const stack = at instanceof Error ? (at.stack ?? String(at)) : String(at);
    const frames = stack.split("\n").filter((line) => !isInside(line));
    parts.push(frames.join("\n"));
    if (at instanceof AggregateError) parts.push(...at.errors.slice(0, 5).map((each) => `  one of them: ${each}`));
    at = at instanceof Error ? at.cause : undefined;
  }
  return parts.join("\ncaused by: ");
}

/** Whether a line of a stack is a frame that says nothing to a handler's author. */
function isInside(line: string): boolean {
  return /^ +at /.test(line) && (line.includes(LIBRARY) || line.includes("node:internal/"));
}
