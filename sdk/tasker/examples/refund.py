"""A refund: a clerk must approve it, or else a manager; and if the bank refuses it, the credit note is taken back.

Whoever asks holds no slot while people think. A day without an answer passes the question on.
"""

from typing import Annotated

from pydantic import BaseModel, Field

from tasker import Approval, ApprovalTimedOut, PermanentError, StepContext, Workflow

NOTES: dict[str, int] = {}
"""The credit notes that hold, by their keys: in earnest, another system's."""


class Claim(BaseModel):
    """Who wants what back."""

    customer: str
    amount: int
    account: str


class Terms(BaseModel):
    """What the clerk or the manager fills in."""

    amount: Annotated[int, Field(gt=0)]
    note: str = ""


class Refund(BaseModel):
    """What came of a claim."""

    paid: int
    by: str | None


refunds = Workflow(
    "refund", namespace="shop", version="1.0.0", input=Claim, on_failure="compensate"
)


@refunds.step
async def decide(input: Claim, ctx: StepContext) -> Refund:
    """Ask a clerk, and after a day a manager; nobody's answer is a no."""
    title = f"{input.customer} wants {input.amount} € back"
    shown = input.model_dump()
    try:
        answer = await ctx.ask("clerk", title, data=shown, form=Terms, who=["clerks"], timeout="1d")
    except ApprovalTimedOut:
        answer: Approval[Terms] = await ctx.ask(
            "manager", title, data=shown, form=Terms, who=["managers"], timeout="2d", default=False
        )
    granted = answer.answer.amount if answer.approved and answer.answer else 0
    return Refund(paid=granted, by=answer.by)


@refunds.step
def write_note(decide: Refund, ctx: StepContext) -> str:
    """Write the credit note."""
    if decide.paid:
        NOTES[ctx.idempotency_key] = decide.paid
    return ctx.idempotency_key


@refunds.compensation(write_note)
def take_back(write_note: str) -> None:
    """Take the credit note back."""
    NOTES.pop(write_note, None)


@refunds.step(depends_on=["write_note"])
def pay(decide: Refund, input: Claim) -> Refund:
    """Pay it out; the bank knows no account that begins with X."""
    if decide.paid and input.account.startswith("X"):
        raise PermanentError(f"the bank knows no account {input.account}")
    return decide
