"""A CSV file is imported in parts, side by side. Bad rows are set aside, and a part that dies goes on where it was.

What a part writes is in the same database, and commits with its step, so each row is imported once, whatever happens
on the way.
"""

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from pydantic import BaseModel, ValidationError

from tasker import BatchResults, Retry, Slice, StepContext, Workflow, slices

TABLE = (
    "create table if not exists imported_contact (line integer primary key, name text, age integer)"
)
_PART = 100
_SAVE_EVERY = 25


class Import(BaseModel):
    """Which file."""

    path: Path


class Contact(BaseModel):
    """A good row."""

    name: str
    age: int


class Part(BaseModel):
    """What came of some lines."""

    imported: int
    bad_lines: list[int]


class Read(BaseModel):
    """What was read of a part so far."""

    good: dict[int, Contact] = {}
    bad: list[int] = []


class Report(BaseModel):
    """What came of a file."""

    imported: int
    bad_lines: list[int]
    failed_parts: int


imports = Workflow("import", namespace="files", version="1.0.0", input=Import)


@imports.batch
def split(input: Import) -> list[Slice]:
    """Count the rows, and split them into parts."""
    with input.path.open() as file:
        return slices(sum(1 for _ in csv.DictReader(file)), _PART)


@imports.batch_worker(
    retry=Retry(max_attempts=3, backoff="none"), parallelism=4, on_failure="continue"
)
async def load(split: Slice, input: Import, ctx: StepContext) -> Part:
    """Import one part: what was read so far is saved, what was read is written at the end."""
    last = ctx.last_checkpoint
    start = last.cursor if last else split.start
    done = Read.model_validate(last.partial) if last else Read()
    for line, row in read(input.path, start, split.stop):
        try:
            done.good[line] = Contact.model_validate(row)
        except ValidationError:
            done.bad.append(line)
        if line % _SAVE_EVERY == 0:
            await ctx.checkpoint(line, done)
    async with ctx.transaction() as connection, connection.cursor() as cursor:
        rows = [(line, contact.name, contact.age) for line, contact in done.good.items()]
        await cursor.executemany("insert into imported_contact values (%s, %s, %s)", rows)
    return Part(imported=len(done.good), bad_lines=done.bad)


def read(path: Path, start: int, stop: int) -> Iterator[tuple[int, dict[str, str]]]:
    """Read rows `start` to `stop`; each with its line, counted from 1."""
    with path.open() as file:
        yield from enumerate(islice(csv.DictReader(file), start, stop), start + 1)


@imports.convergence
def report(load: BatchResults[Part]) -> Report:
    """Put together what came of the parts."""
    return Report(
        imported=sum(part.imported for part in load.results),
        bad_lines=[line for part in load.results for line in part.bad_lines],
        failed_parts=len(load.failures),
    )
