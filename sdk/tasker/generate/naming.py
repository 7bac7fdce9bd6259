"""Names in the languages: identifiers made of whatever a template calls things, each its own. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

__all__ = ["Names", "camel", "one_line", "pascal", "read_words", "seen", "snake", "words"]

_EDGE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHER = re.compile(r"[^A-Za-z0-9]+")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+")


def words(text: str) -> list[str]:
    """The words of a name, in ASCII: `my-step`, `myStep` and `My Step` are all my, step.

    What no accent can be taken off is written as its code: another name always comes to other words.
    """
    plain = "".join(_to_ascii(char) for char in unicodedata.normalize("NFKD", text))
    return [part for part in _OTHER.split(_EDGE.sub(" ", plain)) if part]


def pascal(text: str) -> str:
    """A name as types are called: `OrderLine`. A letter behind a digit is a capital too, as generators write it."""
    made = _begin("".join(word[0].upper() + word[1:] for word in words(text)), "T")
    return re.sub(r"(?<=[0-9])[a-z]", lambda found: found[0].upper(), made)


def camel(text: str) -> str:
    """A name as functions are called in TypeScript: `orderLine`."""
    made = "".join(word[0].upper() + word[1:] for word in words(text))
    return _begin(made[:1].lower() + made[1:], "n")


def snake(text: str) -> str:
    """A name as functions and files are called in Python and Ruby: `order_line`."""
    return _begin("_".join(word.lower() for word in words(text)), "n_")


def seen(text: str) -> str:
    """A text without what is not seen, and with plain ends of lines."""
    return "\n".join(_UNSEEN.sub(" ", line).rstrip() for line in text.splitlines()).strip()


def one_line(text: str) -> str:
    """A text as a comment may hold it: on one line, with nothing that is not seen."""
    return _UNSEEN.sub(" ", text).strip()


def read_words(text: str) -> frozenset[str]:
    """The words of a list, with spaces between them."""
    return frozenset(text.split())


class Names:
    """Gives names that nobody else has: a number behind those that are taken, the suffix behind reserved ones."""

    def __init__(self, reserved: Collection[str] = (), suffix: str = "_") -> None:
        self._reserved = frozenset(reserved)
        self._suffix = suffix
        self._taken = set[str]()

    def take(self, wanted: str) -> str:
        """A name of its own, as near to what is wanted as can be."""
        base = wanted + self._suffix if wanted in self._reserved else wanted
        name, number = base, 1
        while name in self._taken or name in self._reserved:
            number += 1
            name = f"{base}{number}"
        self._taken.add(name)
        return name


def _begin(name: str, letter: str) -> str:
    return name if name[:1].isalpha() else letter + name


def _to_ascii(char: str) -> str:
    if char.isascii():
        return char
    return "" if unicodedata.combining(char) else f" u{ord(char):x} "
