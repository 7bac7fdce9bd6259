// `node main.ts FILES…`: imports files of handlers, and serves what they define. Touches the process.

import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { findLibrary, installLibrary } from "./resolve.ts";

const USAGE = "usage: node main.ts [--concurrency N] FILES…";

/** Read the command line, and serve. */
async function main(): Promise<void> {
  const { files, concurrency } = readArguments();
  const [first] = files;
  if (first === undefined) {
    process.stderr.write(`${USAGE}\n`);
    process.exit(2);
  }
  const library = findLibrary(first);
  installLibrary(library);
  const { serve } = (await import(library["tasker-pg"] as string)) as typeof import("./index.ts");
  const urls = files.map((file) => pathToFileURL(file).href);
  await serve({ files: urls, name: basename(first), ...(concurrency === undefined ? {} : { concurrency }) });
}

function readArguments(): { files: string[]; concurrency: number | undefined } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { concurrency: { type: "string" } },
    });
    const concurrency = values.concurrency === undefined ? undefined : Number(values.concurrency);
    return { files: positionals.map((file) => resolve(file)), concurrency };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}\n`);
    process.exit(2);
  }
}

await main();
