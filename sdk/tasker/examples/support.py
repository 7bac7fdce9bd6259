"""A support conversation: as many rounds as it takes, and in each the questions that turn out to be open.

How long it gets is not known when it starts. Each round asks for the steps of the next one, within bounds: here
a rule of thumb decides, in earnest a language model might.
"""

from pydantic import BaseModel

from tasker import Bounds, Expansion, Workflow

SHELF = {"slow": "Add an index.", "index": "See chapter 11.", "chapter 11": ""}
_LONGEST = 5


class Ticket(BaseModel):
    """What somebody asks."""

    text: str


class Finding(BaseModel):
    """What one source says to a question."""

    keyword: str
    text: str


class Conversation(BaseModel):
    """What was said, round by round."""

    rounds: list[str]


support = Workflow(
    "support", namespace="help", version="1.0.0", input=Ticket,
    expansion=Bounds(max_steps=100, max_depth=2 * _LONGEST),
)  # fmt: skip


@support.dynamic
def look_up(keyword: str) -> Finding:
    """Look one keyword up."""
    return Finding(keyword=keyword, text=SHELF[keyword])


@support.dynamic
def answer(number: int, finding: Finding) -> Expansion[str]:
    """Say what was found, and ask for another round if that raises a question."""
    reply = Expansion(f"{number}. {finding.keyword}: {finding.text or 'nothing more'}")
    if number < _LONGEST:
        _ask(reply, finding.text, number + 1)
    return reply


@support.step
def begin(input: Ticket) -> Expansion[None]:
    """Open the first round."""
    first = Expansion()
    _ask(first, input.text, 1)
    return first


def _ask(plan: Expansion[str] | Expansion[None], text: str, number: int) -> None:
    for keyword in SHELF:
        if keyword in text:
            plan.add(answer, number=number, finding=plan.add(look_up, keyword=keyword))


@support.convergence
def close(answer: list[str]) -> Conversation:
    """Put the rounds together."""
    return Conversation(rounds=sorted(answer))
