"""An order waits two days for the warehouse. If nothing is heard, it is bought elsewhere. No slot is held meanwhile."""

from pydantic import BaseModel

from tasker import EventTimedOut, StepContext, Workflow

PACKED = "packed"


class Order(BaseModel):
    """What was ordered."""

    number: str


class Parcel(BaseModel):
    """What the warehouse says when it has packed."""

    weight: float


class Source(BaseModel):
    """Where an order comes from, in the end."""

    place: str
    weight: float | None = None


deliveries = Workflow("delivery", namespace="shop", version="1.0.0", input=Order)


@deliveries.step
async def source(input: Order, ctx: StepContext) -> Source:
    """Ask the warehouse once, and wait for its event."""
    await ctx.run("ask", lambda: f"please pack {input.number}")
    try:
        parcel = Parcel.model_validate(await ctx.wait_event(PACKED, timeout="2d"))
    except EventTimedOut:
        return Source(place="the shop next door")
    return Source(place="the warehouse", weight=parcel.weight)


@deliveries.step
def ship(source: Source, input: Order) -> str:
    """Send it off."""
    return f"{input.number} comes from {source.place}"
