"""The pages of the documentation that explain the codes of findings. Reads files."""

from __future__ import annotations

from pathlib import Path

__all__ = ["read_page"]

# In the package as it is installed, and in a checkout.
_FOLDERS = (
    Path(__file__).parent / "pages",
    Path(__file__).parents[3] / "docs" / "findings",
)


def read_page(code: str) -> str:
    """The page of a code that is registered, in Markdown."""
    folder = next(folder for folder in _FOLDERS if folder.is_dir())
    return (folder / f"{code}.md").read_text("utf-8")
