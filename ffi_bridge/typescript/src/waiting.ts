// What leaves a handler that waits. Pure.

import type { Waiting } from "./protocol.ts";

// Known by a symbol, so that a second copy of this library in the process knows it too.
const MARK = Symbol.for("tasker-pg.suspended");

/** Thrown by what waits. No Error, so that it is not taken for a failure. */
export class Suspended {
  readonly waiting: Waiting;
  readonly [MARK] = true;

  constructor(waiting: Waiting) {
    this.waiting = waiting;
  }

  toString(): string {
    return `the handler waits for ${this.waiting.name}; whoever catches this throws it again`;
  }
}

/**
 * Whether what was caught is a wait that leaves the handler, and no failure. Then it must be thrown again.
 *
 * ```ts
 * try {
 *   await ctx.waitEvent("paid");
 * } catch (error) {
 *   if (isSuspended(error)) throw error;
 *   …
 * }
 * ```
 */
export function isSuspended(thrown: unknown): boolean {
  return typeof thrown === "object" && thrown !== null && MARK in thrown;
}
