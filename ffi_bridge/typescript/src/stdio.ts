// Makes standard output the protocol's alone. Touches the process.

/** Writes to the true standard output; false when its reader is behind. */
export type Write = (text: string, written?: () => void) => boolean;

// On the process, so that a second copy of this library in it finds what the first has taken.
const TAKEN = Symbol.for("tasker-pg.stdout");

/** The true standard output: its stream, and what writes to it. */
export interface Output {
  readonly stream: NodeJS.WriteStream;
  readonly write: Write;
}

/** Take standard output: what handlers print with `console.log` or `process.stdout` goes to standard error from now on. */
export function takeOutput(): Output {
  const holder = process as typeof process & { [TAKEN]?: Output };
  if (holder[TAKEN] !== undefined) return holder[TAKEN];
  const stream = process.stdout;
  const original = stream.write;
  const write: Write = (text, written) => original.call(stream, text, "utf8", written);
  stream.write = process.stderr.write.bind(process.stderr) as typeof stream.write;
  stream.end = () => stream;
  Object.defineProperty(process, "stdout", { configurable: true, enumerable: true, get: () => process.stderr });
  holder[TAKEN] = { stream, write };
  return holder[TAKEN];
}

/** Write into the child's log. */
export function warn(text: string): void {
  process.stderr.write(`${text}\n`);
}
