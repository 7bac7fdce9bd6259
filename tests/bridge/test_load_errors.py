"""Files of handlers that do not load: the error says what is wrong and where, and nothing of anybody's insides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tasker.languages import make_bridges
from tasker_ffi_bridge import BridgeError

pytestmark = pytest.mark.anyio

ONE_RUBY = 'require "tasker"\nTasker.step("one") { 1 }\n'
ONE_TYPESCRIPT = 'import { step } from "tasker-pg";\nstep("one", () => 1);\n'


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def load(folder: Path, files: Mapping[str, str]) -> str:
    for name, text in files.items():
        (folder / name).write_text(text)
    [bridge] = make_bridges([str(folder / name) for name in files], [], worker="w", grace=5)
    with pytest.raises(BridgeError) as failure:
        async with bridge:
            pass
    return str(failure.value)


@pytest.mark.parametrize(
    ("files", "what", "where"),
    [
        (
            {"a.rb": 'require "tasker"\nTasker.step("a") do |input:|\n  { a: 1\nend\n'},
            "syntax error",
            "a.rb:4",
        ),
        (
            {"a.rb": "def deep = undefined_thing\ndeep\n"},
            "undefined local variable or method",
            "a.rb:1",
        ),
        ({"a.rb": 'require "no_such_gem"\n'}, "cannot load such file -- no_such_gem", "a.rb:1"),
        ({"a.rb": ONE_RUBY, "b.rb": ONE_RUBY}, "two handlers are named one", "b.rb:2"),
        (
            {"a.ts": 'import { step } from "tasker-pg";\nstep("a", () => 1 +;\n'},
            "SyntaxError",
            "a.ts:2",
        ),
        ({"a.ts": "const o: any = {};\no.a.b;\n"}, "Cannot read properties", "a.ts:2"),
        ({"a.ts": 'import "./nothing.ts";\n'}, "Cannot find module", "a.ts"),
        (
            {"a.ts": ONE_TYPESCRIPT, "b.ts": ONE_TYPESCRIPT},
            "two handlers are named one",
            "b.ts:2",
        ),
    ],
)
async def test_a_file_that_does_not_load_is_named_with_its_line_and_nothing_else(
    tmp_path: Path, files: Mapping[str, str], what: str, where: str
) -> None:
    said = await load(tmp_path, files)
    assert said.startswith("ended with status 1\n")
    assert what in said and where in said
    assert not re.search(r"ruby/lib/tasker|typescript/src|node:internal|<internal:", said), said
