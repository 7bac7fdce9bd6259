# frozen_string_literal: true

# The step that charges the card, once however often it runs.

require "tasker"
require_relative "payment_client"

Tasker.step("process_payment") do |validate_cart:, input:, ctx:|
  PaymentClient.charge(
    order_id: input["order_id"],
    card: input["card"],
    amount_cents: validate_cart["total_cents"],
    idempotency_key: ctx.idempotency_key,
    timeout: ctx.remaining
  )
end
