// Serves handlers to a worker over standard input and output. Touches the process.

import type { Readable, Writable } from "node:stream";
import { inspect } from "node:util";

import { DefinitionError } from "./errors.ts";
import { traceOf } from "./failures.ts";
import { type Definition, registered } from "./handlers.ts";
import { LineReader } from "./lines.ts";
import { Outbox } from "./outbox.ts";
import { LONGEST_LINE } from "./protocol.ts";
import { ChildSession } from "./session.ts";
import { takeOutput, warn, type Write } from "./stdio.ts";
import { VERSION } from "./version.ts";
import { isSuspended } from "./waiting.ts";

const LAST_ANSWERS = 900; // milliseconds that open runs have when the input has ended, or the grace is over
const LONGEST_TIMER = 2 ** 31 - 1; // milliseconds; one above it would fire at once

/** Options of {@link serve}. */
export interface ServeOptions {
  /** How many runs may be open at once, 1 to 1,000. */
  readonly concurrency?: number;
  /** Files of handlers, as URLs, that are imported first. */
  readonly files?: readonly string[];
  /** What is served; all handlers that were defined, by default. */
  readonly handlers?: readonly Definition[];
  /** For people, in the worker's log. */
  readonly name?: string;
  /** Standard input by default; with another, the process is left alone. */
  readonly input?: Readable;
  /** Standard output by default. */
  readonly output?: Writable;
}

/**
 * Serve the handlers that were defined, until the worker says to leave; then the process ends.
 *
 * `tasker worker handlers.ts` does this by itself. A program of your own ends with `await serve()`, and prints nothing
 * before: standard output is the protocol's. A file that cannot be imported, or no handler at all, ends the process
 * with status 1 and the reason on standard error.
 */
export async function serve(options: ServeOptions = {}): Promise<void> {
  const { input = process.stdin, concurrency = 100 } = options;
  if (input !== process.stdin) {
    const output: Writable = options.output ?? process.stdout;
    const write: Write = (text, written) => output.write(text, "utf8", () => written?.());
    await converse(options, concurrency, input, output, write);
    return;
  }
  const { stream, write } = takeOutput();
  stream.on("error", () => process.exit(1)); // the worker is gone
  try {
    for (const file of options.files ?? []) await import(file);
    await converse(options, concurrency, input, stream, write);
  } catch (error) {
    warn(error instanceof Error ? traceOf(error) : inspect(error));
    process.exit(1);
  }
  process.exit(0);
}

async function converse(
  options: ServeOptions,
  concurrency: number,
  input: Readable,
  output: Writable,
  write: Write,
): Promise<void> {
  const handlers = options.handlers ?? registered();
  if (handlers.length === 0) throw new DefinitionError("no handler was defined: there is nothing to serve");
  if (!(Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= 1000)) {
    throw new DefinitionError(`concurrency is a whole number from 1 to 1000, not ${concurrency}`);
  }
  const { promise: left, resolve: leave } = Promise.withResolvers<void>();
  const outbox = new Outbox(output, write, () => input.resume());
  const self = {
    name: options.name ?? "tasker-pg",
    language: "typescript",
    version: process.version,
    library: `tasker-pg ${VERSION}`,
  };
  const session = new ChildSession(handlers, concurrency, self, {
    put: outbox.put,
    putProgress: (run, line) => outbox.putProgress(run, line),
    limit: (bytes) => {
      reader.longest = bytes;
    },
    warn,
    leaveWithin: (seconds) => {
      clearTimeout(grace);
      grace = setTimeout(leaveSoon, Math.min(seconds * 1000, LONGEST_TIMER));
    },
    leave,
  });
  const reader = new LineReader(
    LONGEST_LINE,
    (line) => session.receive(line),
    (why) => session.skipped(why),
  );
  if (input === process.stdin) watchStrays(session);
  input.on("data", (chunk: Buffer) => {
    reader.push(chunk);
    if (outbox.full) input.pause();
  });
  let grace: NodeJS.Timeout | undefined;
  let lastAnswers: NodeJS.Timeout | undefined;
  const leaveSoon = () => {
    lastAnswers ??= setTimeout(leave, LAST_ANSWERS);
    session.stop();
  };
  input.on("end", () => {
    reader.end();
    leaveSoon();
  });
  await left;
  clearTimeout(grace);
  clearTimeout(lastAnswers);
  input.destroy();
  await Promise.race([outbox.close(), new Promise((resolve) => setTimeout(resolve, LAST_ANSWERS).unref())]);
}

/**
 * What is thrown where no handler catches it is logged, and ends nothing: other runs go on, and one that waits for what
 * will never come is ended at its time limit.
 */
function watchStrays(session: ChildSession): void {
  process.on("unhandledRejection", (reason) => {
    if (!isSuspended(reason)) session.log("error", `a promise was rejected, and nobody awaited it: ${inspect(reason)}`);
  });
  process.on("uncaughtException", (error) => {
    session.log("error", `thrown outside of any handler's promise: ${inspect(error)}`);
  });
}
