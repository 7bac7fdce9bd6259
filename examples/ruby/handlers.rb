# frozen_string_literal: true

# The order workflow's handlers, for order_processing.yaml beside this file.
#
#   validate_cart ─┬─ reserve_stock ───┬─ ship ── write_receipt
#                  └─ process_payment ─┘
#
# Each may run more than once, so each is written to come to the same again: ids are derived from the step's
# idempotency key, and the payment service is handed that key.

require "digest"
require "tasker"
require_relative "payment"

PRICES_IN_CENTS = { "mug" => 950, "notebook" => 420, "pencil" => 80 }.freeze

# Makes an id that is the same on every attempt of a step.
def stable_id(prefix, ctx) = "#{prefix}_#{Digest::SHA256.hexdigest(ctx.idempotency_key)[0, 12]}"

# Prices the order. A handler that has more to it can be a class.
class ValidateCart < Tasker::StepHandler
  handles "validate_cart"

  def call(input:)
    lines = input["lines"]
    unknown = lines.map { |line| line["sku"] } - PRICES_IN_CENTS.keys
    raise Tasker::PermanentError, "the shop has no #{unknown.join(", ")}" unless unknown.empty?

    { lines: lines, total_cents: lines.sum { |line| price(line) } }
  end

  private

  def price(line) = PRICES_IN_CENTS.fetch(line["sku"]) * line["quantity"]
end

# Sets the articles aside, one after the other, saying how far it is.
Tasker.step("reserve_stock") do |validate_cart:, ctx:|
  lines = validate_cart["lines"]
  lines.each.with_index(1) do |line, done|
    ctx.progress(done, total: lines.size, note: "#{line["quantity"]} × #{line["sku"]}")
  end
  { reservation_id: stable_id("rsv", ctx), pieces: lines.sum { |line| line["quantity"] } }
end

# Hands the parcel over. Starts only after payment and reservation are both committed.
Tasker.step("ship") do |process_payment:, reserve_stock:, ctx:|
  ctx.logger.info("shipping", charge: process_payment["charge_id"])
  { tracking_id: stable_id("trk", ctx), reservation_id: reserve_stock["reservation_id"] }
end

# Tells the customer what they bought.
Tasker.step("write_receipt") do |input:, validate_cart:, process_payment:, ship:|
  lines = validate_cart["lines"].map { |line| "#{line["quantity"]} × #{line["sku"]}" }
  paid = format("%d.%02d €", *process_payment["amount_cents"].divmod(100))
  {
    order_id: input["order_id"],
    total_cents: process_payment["amount_cents"],
    charge_id: process_payment["charge_id"],
    tracking_id: ship["tracking_id"],
    text: "Order #{input["order_id"]}: #{lines.join(", ")}. Paid #{paid}. Parcel #{ship["tracking_id"]}."
  }
end
