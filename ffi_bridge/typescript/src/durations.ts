// Durations as people write them: 30, 0.5, "30s", "1h30m". Pure.

/** Seconds, or a text of numbers with units (ms, s, m, h, d), such as `"1h30m"`. */
export type Duration = number | string;

const LONGEST = 315_360_000; // seconds; ten years, the longest that the database keeps
const UNITS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400 };
const TEXT = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;

/** In seconds. Throws a RangeError when it is no duration, is negative, or exceeds ten years. */
export function toSeconds(duration: Duration): number {
  const seconds = measure(duration);
  if (!(seconds >= 0 && seconds <= LONGEST)) {
    throw new RangeError(`a duration must be from 0 seconds to ten years, not ${JSON.stringify(duration)}`);
  }
  return seconds;
}

function measure(duration: unknown): number {
  if (typeof duration === "number") return duration;
  const text = typeof duration === "string" ? duration.replaceAll(" ", "") : "";
  if (!TEXT.test(text)) {
    throw new RangeError(`${String(duration)} is no duration: write seconds, or a text like "30s" or "1h30m"`);
  }
  let seconds = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    seconds += Number(number) * (UNITS[unit ?? ""] ?? Number.NaN);
  }
  return seconds;
}
