"""Lists tasks that fit a filter, and changes them all. Touches the database through the client."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, LiteralString

from tasker.errors import InvalidInputError
from tasker.filters import Filter, serialize_filter

__all__ = ["Ask", "Changes", "Verb", "change_all", "list_tasks", "pause_template"]

Ask = Callable[..., Awaitable[Any]]
Verb = Literal["cancel", "compensate", "retry", "pause", "resume", "resolve"]

_PAGE = 500
_CHANGE: LiteralString = (
    "select tasker.change_tasks(verb => %s, filter => %s::jsonb, before => %s::uuid,"
    " max_rows => 100, reason => %s, actor => %s)"
)
_PLAN: LiteralString = (
    "select tasker.plan_change(verb => %s, filter => %s::jsonb, before => %s::uuid)"
)
_PAUSE_TEMPLATE: LiteralString = "select tasker.pause_template(%s, %s, %s, %s, %s, %s::uuid)"
_RESUME_TEMPLATE: LiteralString = "select tasker.resume_template(%s, %s, %s, %s, %s, %s::uuid)"


@dataclass(frozen=True, slots=True)
class Changes:
    """What a change of many tasks came to: how many were changed, and how many were not, by why."""

    changed: int
    skipped: Mapping[str, int]


async def list_tasks(
    ask: Ask, filter: Filter | None, limit: int | None
) -> AsyncIterator[Mapping[str, Any]]:
    """The tasks that fit, newest first, asked for a page at a time."""
    found, before, left = serialize_filter(filter), None, limit
    while left is None or left > 0:
        wanted = _PAGE if left is None else min(left, _PAGE)
        page = await ask(
            "select coalesce(json_agg(t), '[]') from tasker.list_tasks(%s::jsonb, %s::uuid, %s) as t",
            [found, before, wanted],
        )
        for task in page:
            yield task
        if len(page) < wanted:
            return
        before, left = page[-1]["task_id"], None if left is None else left - len(page)


async def pause_template(
    ask: Ask, verb: Literal["pause", "resume"], template: str, reason: str, actor: str
) -> Changes:
    """Pause or resume a template, and its tasks page by page."""
    name, _, version = template.partition("@")
    namespace, slash, short = name.partition("/")
    if not (namespace and slash and short):
        raise InvalidInputError(
            f"{template!r} names no template", 'Write "namespace/name" or "namespace/name@version".'
        )
    statement = _PAUSE_TEMPLATE if verb == "pause" else _RESUME_TEMPLATE
    request = [namespace, short, reason, actor, version or None]
    return await _tally(lambda before: ask(statement, [*request, before]))


async def change_all(
    ask: Ask, verb: Verb, filter: Filter, reason: str, actor: str, dry_run: bool
) -> Changes:
    """Do a verb to all tasks that fit, a page in each transaction; with `dry_run` only count them."""
    statement, why = (_PLAN, []) if dry_run else (_CHANGE, [reason, actor])
    found = serialize_filter(filter)
    return await _tally(lambda before: ask(statement, [verb, found, before, *why]))


async def _tally(ask_page: Callable[[str | None], Awaitable[Any]]) -> Changes:
    """Ask for page after page, and add up what they came to."""
    before, changed = None, 0
    skipped: Counter[str] = Counter()
    while True:
        page = await ask_page(before)
        changed += len(page["changed"])
        skipped.update(page["skipped"])
        before = page["next"]
        if before is None:
            return Changes(changed, dict(skipped))
