"""Async tests run on asyncio; pytester runs suites of others."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder that the user whom an embedded server runs as may enter."""
    made = Path(tempfile.mkdtemp(prefix="tasker-testing-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)
