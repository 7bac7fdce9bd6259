// Formats TypeScript: reads code from standard input, and writes it to standard output.
import { text } from "node:stream/consumers";

import { format } from "prettier";

process.stdout.write(await format(await text(process.stdin), { parser: "typescript", printWidth: 120 }));
