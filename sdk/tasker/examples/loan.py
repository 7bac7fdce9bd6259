"""A loan: one decision after another, and two of them feed one convergence.

A score decides whether an application is turned down, granted, or looked at by people. How many of them look is decided
next; whether the income is checked as well is decided beside that. Whatever came to be, one step closes the case.
"""

from typing import Literal

from pydantic import BaseModel

from tasker import Workflow


class Application(BaseModel):
    """What is applied for."""

    amount: int
    income: int
    self_employed: bool = False


class Score(BaseModel):
    """How risky an application is, from 0 (safe) to 100."""

    risk: int


class Verdict(BaseModel):
    """What came of an application, and who has had a say."""

    granted: bool
    by: list[str]


loans = Workflow("loan", namespace="bank", version="1.0.0", input=Application)


@loans.step
def rate(input: Application) -> Score:
    """Rate the risk by how many years of income are asked for."""
    return Score(risk=min(100, input.amount * 20 // max(1, input.income)))


@loans.decision
def route(rate: Score) -> Literal["decline", "grant", "review"]:
    """Only what is neither safe nor hopeless is looked at by people."""
    if rate.risk >= 90:
        return "decline"
    return "grant" if rate.risk < 30 else "review"


@loans.step(depends_on=["route"])
def decline() -> bool:
    """Turn it down, unseen."""
    return False


@loans.step(depends_on=["route"])
def grant() -> bool:
    """Grant it, unseen."""
    return True


@loans.step(depends_on=["route"])
def review(rate: Score) -> int:
    """Say how many people must look at it."""
    return 2 if rate.risk >= 60 else 1


@loans.decision
def staff(review: int) -> list[str]:
    """Choose who looks at it."""
    return ["clerk", "manager"][:review]


@loans.step(depends_on=["staff"])
def clerk(rate: Score) -> bool:
    """Have the clerk's say."""
    return rate.risk < 80


@loans.step(depends_on=["staff"])
def manager(rate: Score) -> bool:
    """Have the manager's say."""
    return rate.risk < 70


@loans.decision
def ask_for_papers(input: Application) -> Literal["check_income"] | None:
    """Those who pay themselves must show what they earn."""
    return "check_income" if input.self_employed else None


@loans.step(depends_on=["ask_for_papers"])
def check_income(input: Application) -> bool:
    """Check the papers."""
    return input.income > 0


@loans.convergence
def close(
    decline: bool | None,
    grant: bool | None,
    clerk: bool | None,
    manager: bool | None,
    check_income: bool | None,
) -> Verdict:
    """Grant it if all agree who were asked."""
    said = {
        "decline": decline,
        "grant": grant,
        "clerk": clerk,
        "manager": manager,
        "check_income": check_income,
    }
    asked = {name: answer for name, answer in said.items() if answer is not None}
    return Verdict(granted=all(asked.values()), by=list(asked))
