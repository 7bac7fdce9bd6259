"""A sign-up: an account, a mail whose server is busy at first, and a look back a little later.

create_account ── send_welcome ── follow_up
"""

from pydantic import BaseModel

from tasker import PermanentError, RetryableError, StepContext, Workflow


class SignUp(BaseModel):
    email: str


class Account(BaseModel):
    account_id: str
    email: str


class Mail(BaseModel):
    mail_id: str
    attempt: int


signup = Workflow("signup", namespace="project_name", version="1.0.0", input=SignUp)


@signup.step
async def create_account(input: SignUp, ctx: StepContext) -> Account:
    if "@" not in input.email:
        raise PermanentError(f"{input.email} is no address")
    # The key is the same on every attempt: with it a step comes to the same however often it runs.
    return Account(account_id=f"account-{ctx.idempotency_key}", email=input.email)


@signup.step(timeout="30s")
async def send_welcome(create_account: Account, ctx: StepContext) -> Mail:
    if ctx.attempt == 1:  # to show a retry: take it out
        raise RetryableError("the mail server is busy", retry_after=1)
    ctx.logger.info("a mail to %s", create_account.email)
    return Mail(mail_id=f"mail-{ctx.idempotency_key}", attempt=ctx.attempt)


@signup.step
async def follow_up(create_account: Account, send_welcome: Mail, ctx: StepContext) -> str:
    # It waits in the database, and survives restarts: it may as well be "30d".
    await ctx.sleep("2s")
    return f"{create_account.email} was welcomed by attempt {send_welcome.attempt}"
