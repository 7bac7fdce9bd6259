# frozen_string_literal: true

# The handlers of signup.yaml. A block's keywords are the task's input, the context, and results of parent steps, by name.

require "tasker"

Tasker.step("create_account") do |input:, ctx:|
  raise Tasker::PermanentError, "#{input["email"]} is no address" unless input["email"].include?("@")

  # The key is the same on every attempt: with it a step comes to the same however often it runs.
  { account_id: "account-#{ctx.idempotency_key}", email: input["email"] }
end

Tasker.step("send_welcome") do |create_account:, ctx:|
  # To show a retry: take it out.
  raise Tasker::RetryableError.new("the mail server is busy", retry_after: 1) if ctx.attempt == 1

  ctx.logger.info("a mail to #{create_account["email"]}")
  { mail_id: "mail-#{ctx.idempotency_key}", attempt: ctx.attempt }
end

Tasker.step("follow_up") do |create_account:, send_welcome:, ctx:|
  # It waits in the database, and survives restarts: it may as well be "30d".
  ctx.sleep("2s")
  "#{create_account["email"]} was welcomed by attempt #{send_welcome["attempt"]}"
end
