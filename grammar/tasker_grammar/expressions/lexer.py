"""From the text of an expression to its tokens. Pure.

A text with holes comes as one token, whose parts are texts and the places of its holes; the parser reads those.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from tasker_grammar.expressions.faults import Fault
from tasker_grammar.expressions.syntax import At
from tasker_grammar.leaves import is_unicode

__all__ = ["Token", "tokens"]

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
  | (?P<comment>\#[^\n]*)
  | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
  | (?P<field>\.[A-Za-z_][A-Za-z0-9_]*)
  | (?P<variable>\$[A-Za-z_][A-Za-z0-9_]*)
  | (?P<format>@[A-Za-z0-9_]+)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)*)
  | (?P<symbol>\?//|\.\.|//=|\|=|\+=|-=|\*=|/=|%=|==|!=|<=|>=|//|[][{}()|,.:;=<>+\-*/%?$])
    """,
    re.VERBOSE,
)
_UNCLEAR_END = re.compile(r"\\\r*\Z|\r.")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]+')
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_MOST_NESTED_TEXTS = 20


class Token(NamedTuple):
    """`kind`: number, field, variable, format, name, symbol, text or end. `text`: as written; for a field, a variable
    and a format without the sign before it. `parts`: of a text, its pieces and the tokens of each hole.
    """

    kind: str
    text: str
    at: At
    parts: tuple[str | tuple[Token, ...], ...] = ()


def tokens(source: str) -> tuple[Token, ...]:
    """The tokens, with an end behind them. Raises Fault."""
    return tuple(_Lexer(source).read_until_end())


class _Lexer:
    __slots__ = ("nested", "place", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self.place = 0
        self.nested = 0

    def read_until_end(self) -> Iterator[Token]:
        while self.place < len(self.source):
            if (token := self.read()) is not None:
                yield token
        yield Token("end", "", (self.place, self.place))

    def read(self) -> Token | None:
        """The next token; None for space."""
        start = self.place
        if self.source[start] == '"':
            return self.read_text()
        match = _TOKEN.match(self.source, start)
        if match is None:
            shown = self.source[start]
            hint = 'Texts stand between "double quotes".' if shown == "'" else ""
            raise Fault("X002", (start, start + 1), f"the character {shown!r} has no meaning", hint)
        self.place = match.end()
        kind = str(match.lastgroup)
        if kind == "comment" and _UNCLEAR_END.search(match.group()):
            hint = "End the line without a backslash."
            raise Fault(
                "X002", (start, self.place), "it is not clear where this comment ends", hint
            )
        if kind in ("space", "comment"):
            return None
        text = match.group()
        text = text[1:] if kind in ("field", "variable", "format") else text
        return Token(kind, text, (start, self.place))

    def read_text(self) -> Token:
        start = self.place
        self.place += 1
        parts: list[str | tuple[Token, ...]] = []
        while True:
            piece = self.read_piece(start)
            if piece:
                parts.append(piece)
            if self.source[self.place] == '"':
                self.place += 1
                return Token(
                    "text", self.source[start : self.place], (start, self.place), tuple(parts)
                )
            self.place += 2
            parts.append(self.read_hole(start))

    def read_piece(self, start: int) -> str:
        """What stands before the next hole, or before the end of the text."""
        first = self.place
        while True:
            if (plain := _PLAIN.match(self.source, self.place)) is not None:
                self.place = plain.end()
            sign = self.source[self.place : self.place + 2]
            if sign[:1] == '"' or sign == "\\(":
                return self.decode(first)
            if not sign:
                raise Fault("X002", (start, self.place), "the text has no end", 'Close it with ".')
            self.read_escape(sign)

    def read_escape(self, sign: str) -> None:
        escape = _ESCAPE.match(self.source, self.place)
        if escape is not None:
            self.place = escape.end()
            return
        at = (self.place, min(self.place + 2, len(self.source)))
        if sign[0] == "\\":
            hint = 'After \\ stands one of " \\ / b f n r t ( or u and four hexadecimal digits.'
            raise Fault("X002", at, f"{sign} is no escape", hint)
        # jq takes a line break or a tab as it stands; so does this.
        if sign[0] == "\0":
            raise Fault(
                "X002", at, "a text cannot hold the character NUL", "PostgreSQL cannot store it."
            )
        self.place += 1

    def decode(self, first: int) -> str:
        raw = self.source[first : self.place]
        text = json.loads(f'"{raw}"', strict=False) if raw else ""
        at = (first, self.place)
        if "\0" in text:
            raise Fault(
                "X002", at, "a text cannot hold the character NUL", "PostgreSQL cannot store it."
            )
        if not is_unicode(text):
            raise Fault("X002", at, "half of a pair of surrogates is no character")
        return text

    def read_hole(self, start: int) -> tuple[Token, ...]:
        self.nested += 1
        if self.nested > _MOST_NESTED_TEXTS:
            raise Fault("X004", (start, self.place), "texts are nested too deep")
        inside: list[Token] = []
        depth = 0
        while self.place < len(self.source):
            before = self.place
            token = self.read()
            if token is None:
                continue
            depth += {"(": 1, ")": -1}.get(token.text if token.kind == "symbol" else "", 0)
            if depth < 0:
                self.nested -= 1
                return (*inside, Token("end", "", (before, before)))
            inside.append(token)
        raise Fault(
            "X002",
            (start, self.place),
            "the hole in this text has no end",
            "Close it: \\( ends with ).",
        )
