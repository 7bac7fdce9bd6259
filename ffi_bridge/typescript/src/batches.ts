// What a batch came to, and a way to split one. Pure.

const MOST_WORKERS = 100_000;

/** A batch worker that failed for good. */
export interface BatchFailure<Item = unknown> {
  /** Its place in the batch, from 1. */
  readonly instance: number;
  readonly input: Item;
  /** What it threw last. */
  readonly error: { readonly type: string; readonly message: string };
}

/** What a batch came to that goes on without those that fail, each in the order of the items. */
export interface BatchResults<Result, Item = unknown> {
  readonly results: readonly Result[];
  readonly failures: readonly BatchFailure<Item>[];
}

/** A part of something counted: from `start` up to, and without, `stop`. */
export interface Slice {
  readonly start: number;
  readonly stop: number;
}

/**
 * Split `total` things into parts of `size`, the last one shorter: what a batch may return.
 *
 * Throws a RangeError when `total` is negative, `size` not positive, or the parts too many.
 */
export function slices(total: number, size: number): Slice[] {
  if (!(Number.isInteger(total) && Number.isInteger(size) && total >= 0 && size >= 1)) {
    throw new RangeError(`${total} things cannot be split into parts of ${size}`);
  }
  if (total > size * MOST_WORKERS) {
    throw new RangeError(`${total} in parts of ${size} are more than ${MOST_WORKERS} parts`);
  }
  const parts: Slice[] = [];
  for (let start = 0; start < total; start += size) parts.push({ start, stop: Math.min(start + size, total) });
  return parts;
}
