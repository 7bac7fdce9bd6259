// The handlers of signup.yaml. A step's types are of the task's input, of its result, and of its parents' results, by name.

import { PermanentError, RetryableError, step } from "tasker-pg";

export interface SignUp {
  readonly email: string;
}

export interface Account {
  readonly account_id: string;
  readonly email: string;
}

export interface Mail {
  readonly mail_id: string;
  readonly attempt: number;
}

export const createAccount = step<SignUp, Account>("create_account", ({ input, ctx }) => {
  if (!input.email.includes("@")) throw new PermanentError(`${input.email} is no address`);
  // The key is the same on every attempt: with it a step comes to the same however often it runs.
  return { account_id: `account-${ctx.idempotencyKey}`, email: input.email };
});

export const sendWelcome = step<SignUp, Mail, { create_account: Account }>("send_welcome", ({ results, ctx }) => {
  // To show a retry: take it out.
  if (ctx.attempt === 1) throw new RetryableError("the mail server is busy", { retryAfter: "1s" });
  ctx.logger.info(`a mail to ${results.create_account.email}`);
  return { mail_id: `mail-${ctx.idempotencyKey}`, attempt: ctx.attempt };
});

export const followUp = step<SignUp, string, { create_account: Account; send_welcome: Mail }>(
  "follow_up",
  async ({ results, ctx }) => {
    // It waits in the database, and survives restarts: it may as well be "30d".
    await ctx.sleep("2s");
    return `${results.create_account.email} was welcomed by attempt ${results.send_welcome.attempt}`;
  },
);
