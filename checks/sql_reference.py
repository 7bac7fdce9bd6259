"""The reference of the SQL API, from the functions' own files: signatures, comments and grants."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SQL = Path(__file__).parents[1] / "sql" / "tasker_sql"

ROLES = ("tasker_client", "tasker_worker", "tasker_operator", "tasker_reader")

MAINTENANCE = "Maintenance. "
GROUPS: Mapping[str, str] = {
    "Client": "Register templates and submit tasks. Granted to `tasker_client`.",
    "Reader": "See everything, change nothing. Granted to all four roles.",
    "Operator": "Change tasks and steps by hand. Granted to `tasker_operator`.",
    "Worker": "What a worker runtime calls. Granted to `tasker_worker`.",
    "Maintenance": "What the orchestrator calls. Granted to `tasker_worker`.",
}

_HEAD = re.compile(
    r"create or replace function tasker\.(\w+)\((.*?)\)\s+returns (.+?)\s*\n", re.DOTALL
)
_COMMENT = re.compile(
    r"comment on (function|view) tasker\.(\w+).*? is\s+((?:'(?:[^']|'')*'\s*)+);", re.DOTALL
)
_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_GRANT = re.compile(r"\('(tasker_\w+)',\s*'([^']*)'\)")
_FOR_ALL = re.compile(r"p\.proname in \(([^)]*)\)")


@dataclass(frozen=True)
class Function:
    """A function as its file defines it. `roles` are those that may call it."""

    name: str
    arguments: str
    returns: str
    comment: str
    roles: tuple[str, ...]

    @property
    def signature(self) -> str:
        """The call, on several lines when it is long."""
        one = f"{self.name}({self.arguments}) → {self.returns}"
        if len(one) <= 100:
            return one
        lines = ",\n".join(f"    {each}" for each in self.arguments.split(", "))
        return f"{self.name}(\n{lines}\n) → {self.returns}"

    @property
    def group(self) -> str | None:
        """Where it stands in the reference; None when nobody is granted it."""
        if self.comment.startswith(MAINTENANCE):
            return "Maintenance"
        if len(self.roles) == len(ROLES):
            return "Reader"
        return self.roles[0].removeprefix("tasker_").capitalize() if self.roles else None


def render() -> str:
    """The generated part of docs/sql-reference.md."""
    functions = read_functions()
    parts: list[str] = []
    for group, about in GROUPS.items():
        parts.append(f"## {group}\n\n{about}\n")
        if group == "Reader":
            parts.append(f"### View `dead_letter`\n\n{_read_comment('dead_letter')}\n")
        parts += [_describe(f) for f in functions if f.group == group]
    parts.append("## Internal\n\nGranted to nobody; called by the functions above.\n")
    parts.append(", ".join(f"`{f.name}`" for f in functions if f.group is None) + "\n")
    return "\n".join(parts)


def read_functions() -> list[Function]:
    """All functions by name. Raises ValueError for a file that is not understood."""
    grants = read_grants()
    return [_read(path, grants) for path in _files() if "create or replace view" not in _text(path)]


def read_grants() -> dict[str, tuple[str, ...]]:
    """For each function that is granted, the roles that may call it."""
    text = (SQL / "roles" / "roles.sql").read_text("utf-8")
    grants: dict[str, tuple[str, ...]] = {}
    for role, names in _GRANT.findall(text):
        for name in names.split():
            grants[name] = (*grants.get(name, ()), role)
    for name in re.findall(r"'(\w+)'", _FOR_ALL.findall(text)[-1]):
        grants[name] = ROLES
    return grants


def find_faults(functions: Sequence[Function]) -> Iterator[str]:
    """What contradicts itself: a function granted that says it is internal, and the reverse."""
    known = {function.name for function in functions}
    yield from (
        f"roles.sql grants {name}, which is no function" for name in read_grants().keys() - known
    )
    for function in functions:
        if function.roles and function.comment.startswith("Internal."):
            yield f"{function.name} says it is internal, but is granted to {function.roles[0]}"


def _describe(function: Function) -> str:
    about = function.comment.removeprefix(MAINTENANCE).removeprefix("For workers. ")
    also = [f"`{role}`" for role in function.roles[1:]] if len(function.roles) < len(ROLES) else []
    more = f" Also granted to {', '.join(also)}." if also else ""
    return f"### `{function.name}`\n\n```text\n{function.signature}\n```\n\n{about}{more}\n"


def _read(path: Path, grants: Mapping[str, tuple[str, ...]]) -> Function:
    match = _HEAD.search(_text(path))
    if match is None or match[1] != path.stem:
        raise ValueError(f"{path.name}: no head of the function {path.stem}")
    name, arguments, returns = (" ".join(part.split()) for part in match.groups())
    return Function(name, arguments, returns, _read_comment(name), grants.get(name, ()))


def _read_comment(name: str) -> str:
    match = _COMMENT.search(_text(SQL / "functions" / f"{name}.sql"))
    if match is None or match[2] != name:
        raise ValueError(f"{name}.sql: no comment on {name}")
    text = "".join(_QUOTED.findall(match[3])).replace("''", "'")
    return text.replace("<", "&lt;")


def _files() -> list[Path]:
    return sorted((SQL / "functions").glob("*.sql"))


def _text(path: Path) -> str:
    return path.read_text("utf-8")
