// What is to be written, in one write for all that has gathered. Touches the stream that it is given.

import type { Writable } from "node:stream";

/** Above so many characters that the reader has not taken, `full` is true. */
const FULL = 1024 * 1024;

/** Gathers lines while the loop is busy, and while the reader is. */
export class Outbox {
  readonly #write: (text: string, written?: () => void) => boolean;
  readonly #stream: Writable;
  readonly #drained: () => void;
  #lines: string[] = [];
  #gathered = 0;
  #progress = new Map<string, string>();
  #scheduled = false;
  #blocked = false;

  /** `write` is what truly writes to `stream`; `drained` is called when the reader has caught up. */
  constructor(stream: Writable, write: (text: string, written?: () => void) => boolean, drained: () => void) {
    this.#stream = stream;
    this.#write = write;
    this.#drained = drained;
  }

  /** Whether so much is waiting that nothing more should be taken in. */
  get full(): boolean {
    return this.#blocked && this.#gathered + this.#stream.writableLength > FULL;
  }

  /** Send a line soon, its line feed left out. */
  readonly put = (line: string): void => {
    this.#lines.push(line);
    this.#gathered += line.length;
    this.#schedule();
  };

  /** Send how far a run has come soon, in place of what is not yet sent of it. */
  putProgress(run: string, line: string): void {
    this.#progress.set(run, line);
    this.#schedule();
  }

  /** Resolves when all is written. */
  async close(): Promise<void> {
    if (this.#lines.length > 0 || this.#progress.size > 0) this.#write(this.#gather());
    await new Promise<void>((resolve) => {
      this.#write("", resolve);
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#blocked) return;
    this.#scheduled = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    if (this.#lines.length === 0 && this.#progress.size === 0) return;
    if (this.#write(this.#gather())) return;
    this.#blocked = true;
    this.#stream.once("drain", () => {
      this.#blocked = false;
      this.#drained();
      this.#flush();
    });
  };

  #gather(): string {
    const lines = this.#progress.size > 0 ? [...this.#progress.values(), ...this.#lines] : this.#lines;
    this.#progress.clear();
    this.#lines = [];
    this.#gathered = 0;
    lines.push("");
    return lines.join("\n");
  }
}
