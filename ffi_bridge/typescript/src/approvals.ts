// What a handler asks people, and what they answer. Pure.

import { decode } from "./decode.ts";
import type { Duration } from "./durations.ts";
import { ApprovalTimedOut, ContractError, PermanentError } from "./errors.ts";
import { encode } from "./json.ts";
import { isObject, type Question, type Schema } from "./protocol.ts";

/** What somebody answered, or what holds because nobody did in time. */
export interface Approval<Answer = unknown> {
  /** What was decided. */
  readonly approved: boolean;
  /** What they filled in; null where there was no form, or it was left empty. */
  readonly answer: Answer | null;
  /** Who answered; null when nobody did. */
  readonly by: string | null;
  /** Why, in their words. */
  readonly reason: string | null;
  /** Whether nobody answered in time, so that this is the default. */
  readonly expired: boolean;
}

/** Options of `ctx.ask`. */
export interface AskOptions {
  /** What they see first; the name by default. */
  readonly title?: string | undefined;
  /** What else they see; JSON. */
  readonly data?: unknown;
  /** What they fill in, as a JSON Schema. */
  readonly form?: Schema | undefined;
  /** The people or roles that may answer; nobody named: anybody. */
  readonly who?: readonly string[] | undefined;
  /** How long to wait; for ever by default. */
  readonly timeout?: Duration | undefined;
  /** What holds when the time is up. Without it, `ApprovalTimedOut` is thrown then. */
  readonly default?: boolean | undefined;
}

/** The question as it is sent. Throws PermanentError or ContractError. */
export function makeQuestion(name: string, options: AskOptions): Question {
  const { who = [] } = options;
  if (!Array.isArray(who)) {
    throw new PermanentError(`approval ${name}: who is a list of people and roles, not ${JSON.stringify(who)}`);
  }
  const question = {
    name,
    title: options.title ?? name,
    data: options.data ?? null,
    form: options.form ?? null,
    who,
  };
  return decode(encode(question, `approval ${name}`)) as Question;
}

/** What was answered, as the wait's end saved it. */
export function readAnswer(name: string, saved: unknown, options: AskOptions): Approval<unknown> {
  if (!isObject(saved) || !("approved" in saved)) {
    if (options.default === undefined) throw new ApprovalTimedOut(`nobody answered ${name} in time`);
    return { approved: options.default, answer: null, by: null, reason: null, expired: true };
  }
  const { approved, answer = null, by = null, reason = null } = saved;
  if (answer === null && approved === true && options.form !== undefined) {
    throw new ContractError(`the answer to approval ${name}: $ is missing, though it was approved`);
  }
  return { approved, answer, by, reason, expired: false } as Approval;
}
