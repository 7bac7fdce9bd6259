// `node --import …/register.ts --test`: tests of handlers import "tasker-pg" where nothing was installed.

import { BUNDLED, installLibrary } from "./resolve.ts";

installLibrary(BUNDLED);
