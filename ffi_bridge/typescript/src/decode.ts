// Reads a line of JSON as it is, where JSON.parse would not. Pure.

const DEEPEST = 1000;
const HALF = /\\ud[89a-f]/i;
const WHOLE = /\\\\|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}/gi;
const COLON = /\s*:/y;

/** Parse a line. Throws for what is no JSON: also for half of a surrogate pair, and for what is nested too deep. */
export function decode(line: string): unknown {
  const value = line.includes("\\") ? parseEscaped(line) : JSON.parse(line);
  if (line.length > 2 * DEEPEST && measureDepth(line) > DEEPEST) throw new SyntaxError("nested too deep");
  return value;
}

/**
 * V8 takes some keys that have an escape for others (nodejs/node#63785): it is shown names without any instead, which
 * are put right afterwards.
 */
function parseEscaped(line: string): unknown {
  if (HALF.test(line) && HALF.test(line.replaceAll(WHOLE, " "))) throw new SyntaxError("half of a surrogate pair");
  const names = new Map<string, string>();
  const parts: string[] = [];
  let copied = 0;
  let mark = "\ue000";
  while (line.includes(mark)) mark += "\ue000";
  for (const [start, end] of findStrings(line)) {
    COLON.lastIndex = end;
    const name = line.slice(start, end);
    if (!name.includes("\\") || !COLON.test(line)) continue;
    const shown = `${mark}${names.size}`;
    names.set(shown, JSON.parse(name) as string);
    parts.push(line.slice(copied, start), `"${shown}"`);
    copied = end;
  }
  if (names.size === 0) return JSON.parse(line);
  const text = parts.join("") + line.slice(copied);
  return JSON.parse(text, (_key, value: unknown) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [names.get(name) ?? name, item]));
  });
}

/** How deep a line of JSON is nested. */
function measureDepth(line: string): number {
  let depth = 0;
  let deepest = 0;
  let from = 0;
  for (const [start, end] of [...findStrings(line), [line.length, line.length] as const]) {
    for (let at = from; at < start; at++) {
      const sign = line[at];
      if (sign === "[" || sign === "{") deepest = Math.max(deepest, ++depth);
      else if (sign === "]" || sign === "}") depth--;
    }
    from = end;
  }
  return deepest;
}

/** Where the strings of a line are, with their quotes. */
function* findStrings(line: string): Generator<readonly [number, number]> {
  let start = line.indexOf('"');
  while (start >= 0) {
    let end = start;
    do end = line.indexOf('"', end + 1);
    while (end >= 0 && isEscaped(line, end));
    if (end < 0) return;
    yield [start, end + 1];
    start = line.indexOf('"', end + 1);
  }
}

function isEscaped(line: string, quote: number): boolean {
  let before = quote;
  while (line[before - 1] === "\\") before--;
  return (quote - before) % 2 === 1;
}
