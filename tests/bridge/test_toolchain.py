"""What a language's program says of its version, and programs that say nothing of use."""

from pathlib import Path

import pytest

from tasker_ffi_bridge import BridgeError, ruby, toolchain


def program(folder: Path, text: str) -> Path:
    made = folder / "ruby"
    made.write_text(f"#!/bin/sh\n{text}\n")
    made.chmod(0o755)
    return made


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("echo ruby 3.12.2p20", (3, 12)),
        ("echo jruby 9.4", None),
        ("echo ruby 3.1.2; exit 1", None),
        ("exec sleep 60", None),
        ("sleep 60; echo ruby 3.1.2", None),
    ],
)
def test_a_version_is_read_or_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, version: tuple[int, int] | None
) -> None:
    monkeypatch.setattr(toolchain, "_ANSWERS_WITHIN", 1.0)
    assert toolchain.read_version(str(program(tmp_path, text)), "ruby ") == version


@pytest.mark.parametrize(
    ("text", "why"), [("echo ruby 3.0.9", "is older"), ("exit 1", "does not tell its version")]
)
def test_a_ruby_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, why: str
) -> None:
    own = program(tmp_path, text)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(BridgeError, match=f"{own} {why}"):
        ruby.find_ruby()
