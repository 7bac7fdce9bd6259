"""From the text of an expression to its syntax tree, as jq's grammar has it. Pure.

What jq has and this language has not is rejected with X003 and what to write instead (`outside`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from tasker_grammar.expressions import numerals, outside
from tasker_grammar.expressions.cursor import Cursor
from tasker_grammar.expressions.faults import Fault
from tasker_grammar.expressions.lexer import Token, tokens
from tasker_grammar.expressions.syntax import (
    At,
    Binary,
    Bind,
    Call,
    Comma,
    Each,
    Either,
    GetField,
    Identity,
    If,
    Index,
    ListOf,
    Literal,
    Logic,
    Negate,
    Node,
    ObjectOf,
    Pipe,
    Slice,
    Text,
    Variable,
    children,
)

__all__ = ["MOST_CHARACTERS", "MOST_DEPTH", "MOST_NODES", "parse"]

MOST_CHARACTERS = 4_096
MOST_NODES = 400
MOST_DEPTH = 40

_CONSTANTS = {"null": None, "true": True, "false": False}
_RESERVED = ("and", "as", "elif", "else", "end", "or", "then")
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


@lru_cache(maxsize=256)
def parse(source: str) -> Node:
    """The syntax tree. Raises Fault: X001 too long, X002 syntax, X003 outside the language, X004 too large."""
    if len(source) > MOST_CHARACTERS:
        message = f"the expression has {len(source)} characters, and may have {MOST_CHARACTERS}"
        raise Fault("X001", (0, len(source)), message, "Split it over several steps.")
    parser = _Parser(tokens(source))
    node = parser.parse_pipe()
    parser.expect_end()
    _hold_to_limits(node, len(source))
    return node


def _hold_to_limits(node: Node, length: int) -> None:
    """The parser nests no deeper than MOST_DEPTH levels of operators, so it is safe to walk what it made."""
    count, depth, level = 0, 0, [node]
    while level:
        count, depth = count + len(level), depth + 1
        level = [child for each in level for child in children(each)]
    for found, most, what in ((count, MOST_NODES, "parts"), (depth, MOST_DEPTH, "levels")):
        if found > most:
            message = f"the expression has {found} {what}, and may have {most}"
            raise Fault("X004", (0, length), message, "Split it over several steps.")


class _Parser(Cursor):
    __slots__ = ("depth", "may_bind")

    def __init__(self, tokens: tuple[Token, ...], depth: int = 0) -> None:
        super().__init__(tokens)
        self.depth = depth
        self.may_bind = False
        """Whether `as` may follow the next term. Behind an operator, versions of jq differ over what it binds."""

    def deepen(self, at: At) -> None:
        """One level more; who leaves it takes it off again. Raises Fault."""
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise Fault("X004", at, f"more than {MOST_DEPTH} levels are nested")

    # -- operators, the weakest first

    def take_operator(self) -> Token:
        self.may_bind = False
        return self.take()

    def parse_pipe(self) -> Node:
        self.deepen(self.token.at)
        may_bind = self.may_bind
        left = self.parse_comma()
        if self.sees("|"):
            self.take()
            right = self.parse_pipe()
            left = Pipe(_span(left, right), left, right)
        self.depth -= 1
        self.may_bind = may_bind
        return left

    def parse_comma(self) -> Node:
        left = self.parse_value()
        while self.sees(","):
            self.take()
            right = self.parse_value()
            left = Comma(_span(left, right), left, right)
        return left

    def parse_value(self) -> Node:
        self.may_bind = True
        return self.parse_either()

    def parse_either(self) -> Node:
        lefts = [self.parse_or()]
        while self.sees("//"):
            self.take_operator()
            lefts.append(self.parse_or())
        node = lefts.pop()
        while lefts:
            left = lefts.pop()
            node = Either(_span(left, node), left, node)
        return node

    def parse_or(self) -> Node:
        left = self.parse_and()
        while self.sees_word("or"):
            self.take_operator()
            right = self.parse_and()
            left = Logic(_span(left, right), "or", left, right)
        return left

    def parse_and(self) -> Node:
        left = self.parse_comparison()
        while self.sees_word("and"):
            self.take_operator()
            right = self.parse_comparison()
            left = Logic(_span(left, right), "and", left, right)
        return left

    def parse_comparison(self) -> Node:
        left = self.parse_sum()
        if self.sees(*_COMPARISONS):
            left = self.parse_binary(left, self.parse_sum)
            if self.sees(*_COMPARISONS):
                raise self.unexpected("comparisons do not follow each other; put one in (…)")
        return left

    def parse_sum(self) -> Node:
        left = self.parse_product()
        while self.sees("+", "-"):
            left = self.parse_binary(left, self.parse_product)
        return left

    def parse_product(self) -> Node:
        left = self.parse_sign()
        while self.sees("*", "/", "%"):
            left = self.parse_binary(left, self.parse_sign)
        return left

    def parse_binary(self, left: Node, parse_right: Callable[[], Node]) -> Node:
        operator: Any = self.take_operator().text
        right = parse_right()
        return Binary(_span(left, right), operator, left, right)

    def parse_sign(self) -> Node:
        if not self.sees("-"):
            return self.parse_bound()
        first = self.take_operator()
        self.deepen(first.at)
        of = self.parse_sign()
        self.depth -= 1
        return Negate((first.at[0], of.at[1]), of)

    def parse_bound(self) -> Node:
        value = self.parse_postfix()
        if not self.sees_word("as"):
            return value
        if not self.may_bind:
            hint = "Put (…) around what is bound: (.a + 1) as $x | …"
            raise Fault("X002", self.token.at, "it is not clear what 'as' binds here", hint)
        self.take()
        if self.token.kind != "variable":
            hint = "Bind the whole, and take it apart by its fields: . as $x | $x.name"
            raise Fault("X003", self.token.at, "values are not taken apart behind 'as'", hint)
        name = self.take().text
        if self.sees("?//"):
            raise self.unexpected("")
        self.expect("|", "behind the variable")
        body = self.parse_pipe()
        return Bind(_span(value, body), value, name, body)

    # -- terms and what follows them

    def parse_postfix(self) -> Node:
        node = self.parse_term()
        while True:
            token = self.token
            if token.kind == "field":
                self.take()
                node = GetField((node.at[0], token.at[1]), node, token.text, token.at)
            elif self.sees("."):
                self.take()
                node = self.parse_behind_dot(node)
            elif self.sees("["):
                node = self.parse_brackets(node)
            elif self.sees("?"):
                raise self.unexpected("")
            else:
                return node

    def parse_behind_dot(self, node: Node) -> Node:
        if self.token.kind == "text":
            return self.parse_quoted_field(node)
        if self.sees("["):
            return self.parse_brackets(node)
        raise self.unexpected('a name, "…" or [ is expected behind the dot')

    def parse_quoted_field(self, node: Node) -> Node:
        token = self.token
        name = self.parse_text()
        at = (node.at[0], token.at[1])
        if isinstance(name, Literal):
            return GetField(at, node, str(name.value), token.at)
        return Index(at, node, name)

    def parse_brackets(self, node: Node) -> Node:
        self.take()
        if self.sees("]"):
            return Each((node.at[0], self.take().at[1]), node)
        start = None if self.sees(":") else self.parse_pipe()
        if self.sees(":"):
            self.take()
            end = None if start is not None and self.sees("]") else self.parse_pipe()
            return Slice((node.at[0], self.expect("]", "behind [").at[1]), node, start, end)
        at = (node.at[0], self.expect("]", "behind [").at[1])
        if isinstance(start, Literal) and isinstance(start.value, str):
            return GetField(at, node, start.value, start.at)
        assert start is not None
        return Index(at, node, start)

    def parse_term(self) -> Node:
        token = self.token
        match token.kind:
            case "number":
                self.take()
                return Literal(token.at, numerals.parse(token.text, token.at))
            case "text":
                return self.parse_text()
            case "field":
                self.take()
                here = Identity((token.at[0], token.at[0] + 1))
                return GetField(token.at, here, token.text, token.at)
            case "variable":
                self.take()
                if (fault := outside.variable(token.text, token.at)) is not None:
                    raise fault
                return Variable(token.at, token.text)
            case "name":
                return self.parse_name()
            case "format":
                raise outside.format(token.text, token.at)
            case _:
                return self.parse_symbol()

    def parse_symbol(self) -> Node:
        token = self.token
        if self.sees("."):
            self.take()
            here = Identity(token.at)
            return self.parse_quoted_field(here) if self.token.kind == "text" else here
        if self.sees("("):
            self.take()
            node = self.parse_pipe()
            self.expect(")", "behind (")
            return node
        if self.sees("["):
            self.take()
            body = None if self.sees("]") else self.parse_pipe()
            return ListOf((token.at[0], self.expect("]", "behind [").at[1]), body)
        if self.sees("{"):
            return self.parse_object()
        raise self.unexpected("a value is expected")

    def parse_name(self) -> Node:
        if self.sees_word(*_RESERVED):
            raise self.unexpected("a value is expected")
        token = self.take()
        name = token.text
        if name in _CONSTANTS:
            return Literal(token.at, _CONSTANTS[name])
        if name == "if":
            return self.parse_if(token)
        if (fault := outside.word(name, token.at)) is not None:
            raise fault
        if not self.sees("("):
            return Call(token.at, name, ())
        self.take()
        arguments = [self.parse_pipe()]
        while self.sees(";"):
            self.take()
            arguments.append(self.parse_pipe())
        end = self.expect(")", f"behind the arguments of {name}")
        return Call((token.at[0], end.at[1]), name, tuple(arguments))

    def parse_if(self, first: Token) -> Node:
        condition = self.parse_pipe()
        self.expect("then", "behind the condition of if")
        then = self.parse_pipe()
        if self.sees_word("elif"):
            otherwise = self.parse_nested_if(self.take())
        elif self.sees_word("else"):
            self.take()
            otherwise = self.parse_pipe()
            self.expect("end", "behind if")
        else:
            otherwise = Identity(self.expect("end", "behind if").at)
        return If((first.at[0], self.tokens[self.place - 1].at[1]), condition, then, otherwise)

    def parse_nested_if(self, first: Token) -> Node:
        self.deepen(first.at)
        node = self.parse_if(first)
        self.depth -= 1
        return node

    def parse_text(self) -> Node:
        token = self.take()
        parts = [part if isinstance(part, str) else self.parse_hole(part) for part in token.parts]
        if all(isinstance(part, str) for part in parts):
            return Literal(token.at, "".join(map(str, parts)))
        return Text(token.at, tuple(parts))

    def parse_hole(self, inside: tuple[Token, ...]) -> Node:
        parser = _Parser(inside, self.depth)
        node = parser.parse_pipe()
        parser.expect_end()
        return node

    # -- objects

    def parse_object(self) -> Node:
        first = self.take()
        may_bind = self.may_bind
        entries: list[tuple[str, Node, At]] = []
        while not self.sees("}"):
            entries.append(self.parse_entry())
            if not self.sees(","):
                break
            self.take()
        end = self.expect("}", "behind {")
        self.may_bind = may_bind
        return ObjectOf((first.at[0], end.at[1]), tuple(entries))

    def parse_entry(self) -> tuple[str, Node, At]:
        token = self.token
        if token.kind == "variable":
            return token.text, self.parse_term(), token.at
        key = self.parse_key()
        if not self.sees(":"):
            here = Identity((token.at[0], token.at[0]))
            return key, GetField(token.at, here, key, token.at), token.at
        self.take()
        return key, self.parse_entry_value(), token.at

    def parse_key(self) -> str:
        token = self.token
        if token.kind == "name":
            return self.take().text
        if self.sees("("):
            raise outside.computed_key(token.at)
        if token.kind != "text":
            raise self.unexpected("a name is expected in {…}")
        text = self.parse_text()
        if not isinstance(text, Literal):
            raise outside.computed_key(token.at)
        return str(text.value)

    def parse_entry_value(self) -> Node:
        """Up to the next comma."""
        self.may_bind = False
        left = self.parse_either()
        if not self.sees("|"):
            return left
        self.take()
        right = self.parse_entry_value()
        return Pipe(_span(left, right), left, right)


def _span(left: Node, right: Node) -> At:
    return left.at[0], right.at[1]
