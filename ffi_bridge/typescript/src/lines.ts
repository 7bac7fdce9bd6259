// Cuts what comes over a pipe into lines. Pure.

import { isUtf8 } from "node:buffer";

const FEED = 10;

/** Takes bytes, gives lines. A line that is too long, or no UTF-8, is skipped, and told of. */
export class LineReader {
  /** The longest line in bytes, its line feed included. */
  longest: number;
  readonly #take: (line: string) => void;
  readonly #refuse: (why: "too long" | "no UTF-8") => void;
  #rest: Buffer[] = [];
  #size = 0;
  #skipping = false;

  constructor(longest: number, take: (line: string) => void, refuse: (why: "too long" | "no UTF-8") => void) {
    this.longest = longest;
    this.#take = take;
    this.#refuse = refuse;
  }

  /** Take what has come. */
  push(chunk: Buffer): void {
    const first = chunk.indexOf(FEED);
    if (first < 0) {
      this.#keep(chunk);
      return;
    }
    this.#keep(chunk.subarray(0, first));
    this.#finish();
    const last = chunk.lastIndexOf(FEED);
    if (last > first) this.#takeMany(chunk.subarray(first + 1, last));
    if (last + 1 < chunk.length) this.#keep(chunk.subarray(last + 1));
  }

  /** Take what came last, without a line feed. */
  end(): void {
    if (this.#size > 0) this.#finish();
  }

  #keep(part: Buffer): void {
    if (this.#skipping) return;
    this.#rest.push(part);
    this.#size += part.length;
    if (this.#size >= this.longest) {
      this.#refuse("too long");
      this.#skipping = true;
      this.#rest = [];
      this.#size = 0;
    }
  }

  #finish(): void {
    const parts = this.#rest;
    const skipped = this.#skipping;
    this.#rest = [];
    this.#size = 0;
    this.#skipping = false;
    if (!skipped) this.#takeOne(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts));
  }

  /** Lines that are whole, and came at once: one decoding for them all. */
  #takeMany(lines: Buffer): void {
    if (lines.length < this.longest && isUtf8(lines)) {
      for (const line of lines.toString("utf8").split("\n")) this.#take(line);
      return;
    }
    for (let start = 0; start <= lines.length; ) {
      const feed = lines.indexOf(FEED, start);
      const end = feed < 0 ? lines.length : feed;
      if (end - start >= this.longest) this.#refuse("too long");
      else this.#takeOne(lines.subarray(start, end));
      start = end + 1;
    }
  }

  #takeOne(line: Buffer): void {
    if (isUtf8(line)) this.#take(line.toString("utf8"));
    else this.#refuse("no UTF-8");
  }
}
