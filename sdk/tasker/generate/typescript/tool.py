"""The npm packages that write TypeScript: installed at first use, and run. Starts Node, and npm the first time.

The versions are those of the lock in `package/`. They stand below the data folder, once for each lock.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from tasker.errors import GenerateError
from tasker.settings import read_settings

__all__ = ["format_code", "run_tool"]

_PACKAGE = Path(__file__).parent / "package"
_LONGEST = 300.0


def run_tool(script: str, given: str) -> str:
    """What a script of the package writes, given a text. Raises GenerateError, also where Node or npm is missing."""
    node, folder = _find_node(), _install()
    done = subprocess.run(
        [str(node), script],
        cwd=folder,
        input=given.encode("utf-8"),
        capture_output=True,
        timeout=_LONGEST,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()[-1000:]
        raise GenerateError(f"TypeScript cannot be written: {said}")
    return done.stdout.decode("utf-8")


def format_code(text: str) -> str:
    """The code as prettier writes it. Raises GenerateError."""
    return run_tool("format.mjs", text)


def _find_node() -> Path:
    from tasker_ffi_bridge import BridgeError
    from tasker_ffi_bridge.node import find_node

    try:
        return find_node()
    except BridgeError as error:
        raise GenerateError(
            str(error).replace("handlers in TypeScript need", "code for TypeScript needs")
        ) from None


def _install() -> Path:
    """The folder with the generator, installed if it is not yet there."""
    sources = sorted(_PACKAGE.iterdir())
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    place = read_settings().home / "generate" / f"typescript-{digest}"
    if place.is_dir():
        return place
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    except OSError as error:
        raise GenerateError(f"{place.parent} cannot be written: {error.strerror}") from error
    try:
        for path in sources:
            shutil.copy(path, made)
        _run_npm(made)
        made.rename(place)
    except OSError as error:
        if not place.is_dir():  # somebody else may have been quicker
            raise GenerateError(f"{place} cannot be made: {error.strerror}") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return place


def _run_npm(folder: Path) -> None:
    node = _find_node().resolve()
    script = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    npm = shutil.which("npm")
    command = [str(node), str(script)] if script.is_file() else [npm] if npm else None
    if command is None:
        raise GenerateError(
            "code for TypeScript needs npm, to install json-schema-to-typescript: pip install 'tasker-pg[node]'"
        )
    done = subprocess.run(
        [*command, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_LONGEST,
        check=False,
    )
    if done.returncode != 0:
        said = done.stdout.decode("utf-8", "replace").strip()[-500:]
        raise GenerateError(
            "json-schema-to-typescript could not be installed with npm, which needs the network the first time:"
            f" {said}"
        )
