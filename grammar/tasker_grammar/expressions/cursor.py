"""A place among tokens, and what stands there. Pure."""

from __future__ import annotations

from tasker_grammar.expressions import outside
from tasker_grammar.expressions.faults import Fault
from tasker_grammar.expressions.lexer import Token

__all__ = ["Cursor"]


class Cursor:
    """Goes from token to token. `place`: how many were taken. `token`: the one at hand."""

    __slots__ = ("place", "token", "tokens")

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self.tokens = tokens
        self.place = 0
        self.token = tokens[0]

    def sees(self, *symbols: str) -> bool:
        """Whether the token at hand is one of these signs."""
        return self.token.kind == "symbol" and self.token.text in symbols

    def sees_word(self, *words: str) -> bool:
        """Whether the token at hand is one of these words."""
        return self.token.kind == "name" and self.token.text in words

    def take(self) -> Token:
        """The token at hand; then the next one is. The end stays."""
        token = self.token
        if token.kind != "end":
            self.place += 1
            self.token = self.tokens[self.place]
        return token

    def expect(self, text: str, after: str) -> Token:
        """Take this sign or word; `after` says where it should stand. Raises Fault."""
        token = self.token
        if token.kind not in ("symbol", "name") or token.text != text:
            raise self.unexpected(f"{text} is expected {after}")
        return self.take()

    def expect_end(self) -> None:
        """Raises Fault where there is more."""
        if self.token.kind != "end":
            raise self.unexpected("the expression should end here")

    def unexpected(self, expected: str) -> Fault:
        """The fault that something else stands here than `expected`, which is a clause."""
        token = self.token
        if token.kind == "symbol" and (fault := outside.symbol(token.text, token.at)) is not None:
            return fault
        found = "the end" if token.kind == "end" else f"{token.text!r}"
        return Fault("X002", token.at, f"{expected}, not {found}")
