"""Which composition a command is about, and what it is used with: from files, the catalog, and options."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from tasker.cli.arguments import read_json
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed

if TYPE_CHECKING:
    from tasker.compositions import Loaded
    from tasker.errors import LocatedFinding
    from tasker_grammar.catalog import Catalog
    from tasker_grammar.checking import Report
    from tasker_grammar.composition import Composition
    from tasker_grammar.findings import Finding
    from tasker_grammar.resources import Resources

SUFFIXES = (".yaml", ".yml", ".json")

Which = Annotated[
    str,
    typer.Argument(
        metavar="COMPOSITION", help="NAME, NAME@VERSION, a YAML or JSON file, or a folder of them."
    ),
]
With = Annotated[
    str | None,
    typer.Option("--with", "-w", help="Arguments for its parameters, as JSON; @FILE reads a file."),
]
InputSchema = Annotated[
    str | None,
    typer.Option(
        "--input-schema", help="What is known of the input, as a JSON Schema; @FILE reads a file."
    ),
]


@dataclass(frozen=True, slots=True)
class Use:
    """A composition with what it is used with; where nothing else is said, that is its own example."""

    composition: "Composition"
    catalog: "Catalog"
    arguments: dict[str, Any]
    resources: "Resources"
    input_schema: Any
    loaded: "Loaded | None"

    @property
    def name(self) -> str:
        """What it is called, with its version."""
        return f"{self.composition.name}@{self.composition.version}"

    @property
    def lacks_arguments(self) -> bool:
        """Whether nothing was said of parameters that must be given."""
        from tasker_grammar.filling import is_optional

        required = [each for each in self.composition.parameters.values() if not is_optional(each)]
        return bool(required) and not self.arguments

    def check(self) -> "Report":
        """Fill its parameters in, and check it."""
        from tasker_grammar.checking import Report, check_composition
        from tasker_grammar.filling import fill
        from tasker_grammar.schema_types import type_of

        _hold_schema(self.input_schema)
        filled = fill(self.composition, self.arguments)
        if isinstance(filled, list):
            return Report(tuple(filled), None)
        given = None if self.input_schema is None else type_of(self.input_schema)
        return check_composition(filled, self.resources, self.catalog, given)

    def locate(self, finding: "Finding") -> "LocatedFinding | Finding":
        """A finding with its place: a line of a file, or where in the composition of this name."""
        told = self._tell(finding)
        return told.below(self.name) if self.loaded is None else self.loaded.locate(told)

    def describe(self, finding: "Finding") -> dict[str, Any]:
        """The same for programs to read, where a path leads into the composition."""
        told = self._tell(finding)
        return told.as_json() if self.loaded is None else self.loaded.locate(told).as_json()

    def _tell(self, finding: "Finding") -> "Finding":
        from tasker_grammar.filling import parameter_places

        name = parameter_places(self.composition).get(finding.path)
        if name is None:
            return finding
        return replace(finding, message=f"{finding.message} (in the argument {name})")


def find_uses(
    which: str,
    own: Sequence[Path] | None,
    arguments: str | None,
    resources: Path | None,
    input_schema: str | None,
) -> "tuple[list[Use], list[LocatedFinding]]":
    """The compositions that are meant, each with what it is used with; and what is wrong with the files.

    What is not given comes from the example, as a whole: all of it where nothing is given. Raises CommandFailed where
    there is no such composition, or nothing to fill its parameters with.
    """
    from tasker.actions.resources_file import load_resources
    from tasker.compositions import examine_compositions, read_compositions
    from tasker_grammar.resources import Resources

    in_files = which.endswith(SUFFIXES) or Path(which).is_dir()
    paths = [*(own or ()), *([Path(which)] if in_files else [])]
    catalog, findings = examine_compositions(paths)
    if in_files:
        loaded, _ = read_compositions([which])
        chosen = [(each.composition, each) for each in loaded]
    else:
        chosen = [(_find(which, catalog), None)]
    given = None if arguments is None else _mapping(read_json(arguments))
    known = None if resources is None else load_resources(resources)
    schema = None if input_schema is None else read_json(input_schema)
    uses: list[Use] = []
    for composition, source in chosen:
        example = composition.example if given is None else None
        if example is None:
            use = Use(composition, catalog, given or {}, known or Resources(), schema, source)
        else:
            said = "input_schema" in example.model_fields_set
            own_schema = example.input_schema if schema is None and said else schema
            theirs = known or example.resources
            use = Use(composition, catalog, dict(example.arguments), theirs, own_schema, source)
        uses.append(use)
    return uses, findings


def find_one(*options: Any) -> Use:
    """As `find_uses`, of one. Raises CommandFailed where there are several, and with what is wrong with the files."""
    uses, findings = find_uses(*options)
    errors = [each for each in findings if each.finding.severity == "error"]
    if errors:
        raise CommandFailed(ExitCode.USAGE, "\n".join(map(str, errors)))
    if len(uses) != 1:
        names = ", ".join(use.name for use in uses)
        what = f"there are {len(uses)} compositions: {names}"
        raise CommandFailed(ExitCode.USAGE, what, "Name one, and the file with --compositions.")
    return uses[0]


def _find(which: str, catalog: "Catalog") -> "Composition":
    from tasker_grammar.findings import Finding

    found = catalog.find_or_explain(which)
    if isinstance(found, Finding):
        raise CommandFailed(ExitCode.NOT_FOUND, found.message, found.hint)
    return found


def _hold_schema(schema: Any) -> None:
    from tasker_grammar.contracts import Contract, SchemaError

    if schema is None:
        return
    try:
        Contract(schema)
    except SchemaError as error:
        what = f"the schema of the input is not usable: {error}"
        raise CommandFailed(ExitCode.USAGE, what, "It is JSON Schema 2020-12.") from None


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        hint = """Write, say, --with '{"source": "orders"}'."""
        raise CommandFailed(ExitCode.USAGE, "the arguments are no JSON object", hint)
    return cast("dict[str, Any]", value)
