// Makes standard output the protocol's alone. Touches the process.

import { closeSync, openSync } from "node:fs";
import { Socket } from "node:net";
import type { Writable } from "node:stream";

/** Writes to the true standard output; false when its reader is behind. */
export type Write = (text: string, written?: () => void) => boolean;

// On the process, so that a second copy of this library in it finds what the first has taken.
const TAKEN = Symbol.for("tasker-pg.stdout");

/** The true standard output: its stream, and what writes to it. */
export interface Output {
  readonly stream: Writable;
  readonly write: Write;
}

/**
 * Take standard output: what handlers print goes to standard error from now on. So does what the programs that they
 * start print, and what is written to descriptor 1, where the system lets the descriptor be moved: on Linux and macOS,
 * when it is a pipe, as a worker's is.
 */
export function takeOutput(): Output {
  const holder = process as typeof process & { [TAKEN]?: Output };
  if (holder[TAKEN] !== undefined) return holder[TAKEN];
  const taken = moveOutput() ?? shadowOutput();
  Object.defineProperty(process, "stdout", { configurable: true, enumerable: true, get: () => process.stderr });
  holder[TAKEN] = taken;
  return taken;
}

/** Another descriptor for the pipe that 1 is, and standard error's end at 1; undefined where that cannot be. */
function moveOutput(): Output | undefined {
  try {
    const stream = new Socket({ fd: openSync("/dev/fd/1", "w"), readable: false, writable: true });
    const tried = openSync("/dev/fd/2", "a"); // 1 may be closed only where this works
    closeSync(1);
    openSync("/dev/fd/2", "a"); // becomes the lowest that is free, which is 1
    closeSync(tried);
    return { stream, write: (text, written) => stream.write(text, "utf8", () => written?.()) };
  } catch {
    return undefined;
  }
}

/** The stream as it is, with another in its place for all that asks for it by name. */
function shadowOutput(): Output {
  const stream = process.stdout;
  const original = stream.write;
  const write: Write = (text, written) => original.call(stream, text, "utf8", written);
  stream.write = process.stderr.write.bind(process.stderr) as typeof stream.write;
  stream.end = () => stream;
  return { stream, write };
}

/** Write into the child's log. */
export function warn(text: string): void {
  process.stderr.write(`${text}\n`);
}
