// Lets handler files import "tasker-pg" where nothing was installed. Touches the loader of modules.

import * as modules from "node:module";

/** By what handler files import, the URLs of the library to take. */
export type Library = Readonly<Record<string, string>>;

/** The library that this file is part of. */
export const BUNDLED: Library = {
  "tasker-pg": siblingOf("index"),
  "tasker-pg/testing": siblingOf("testing"),
};

/** The library that `file` has installed, or else the bundled one: there must be only one in a process. */
export function findLibrary(file: string): Library {
  const find = modules.createRequire(file);
  try {
    const found = Object.keys(BUNDLED).map((name) => [name, new URL(`file://${encodeURI(find.resolve(name))}`).href]);
    return Object.fromEntries(found) as Library;
  } catch {
    return BUNDLED;
  }
}

/** From now on, importing "tasker-pg" gives `library`. */
export function installLibrary(library: Library): void {
  if (typeof modules.registerHooks === "function") {
    modules.registerHooks({
      resolve(specifier, context, next) {
        const url = library[specifier];
        return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
      },
    });
    return;
  }
  // Node before 22.15.
  const hook = `let library;
    export function initialize(given) { library = given; }
    export function resolve(specifier, context, next) {
      const url = library[specifier];
      return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
    }`;
  modules.register(`data:text/javascript,${encodeURIComponent(hook)}`, { data: library });
}

function siblingOf(name: string): string {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`${name}.${extension}`, import.meta.url).href;
}
