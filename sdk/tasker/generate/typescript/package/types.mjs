// Writes TypeScript types: reads {name, schema} from standard input, and writes the declarations to standard output.
import { text } from "node:stream/consumers";

import { compile } from "json-schema-to-typescript";

const { name, schema } = JSON.parse(await text(process.stdin));
const written = await compile(schema, name, {
  additionalProperties: false,
  bannerComment: "",
  declareExternallyReferenced: true,
  ignoreMinAndMaxItems: true,
  unreachableDefinitions: true,
  style: { printWidth: 120 },
  $refOptions: { resolve: { file: false, http: false } },
});
process.stdout.write(written);
