"""The option by which checks write their findings as SARIF, for CI."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tasker.cli.arguments import STDIN
from tasker.cli.output import write_lines

if TYPE_CHECKING:
    from tasker.checking.sarif import AnyFinding

Sarif = Annotated[
    Path | None,
    typer.Option(
        "--sarif",
        help="Write SARIF 2.1.0 for CI into this file; - writes it here, and nothing else.",
        show_default=False,
    ),
]


def write_sarif(found: Sequence["AnyFinding"], path: Path | None) -> bool:
    """Write findings to where the option says. Whether standard output is still for something else."""
    if path is None:
        return True
    from tasker.checking.sarif import make_sarif

    text = json.dumps(make_sarif(found), indent=2, ensure_ascii=False)
    if path == Path(STDIN):
        write_lines([text])
        return False
    path.write_text(text + "\n", "utf-8")
    return True
