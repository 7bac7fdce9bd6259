# frozen_string_literal: true

# Handlers tried without a worker: ruby -I ffi_bridge/ruby/lib examples/ruby/test_handlers.rb
require "minitest/autorun"
require "tasker/testing"
require_relative "handlers"

class TestOrderHandlers < Minitest::Test
  ORDER = { order_id: "7", card: "card-good", lines: [{ sku: "mug", quantity: 2 }, { sku: "pencil", quantity: 1 }] }.freeze

  def test_the_cart_is_priced
    assert_equal 1980, Tasker::Testing.run("validate_cart", input: ORDER).result["total_cents"]
  end

  def test_what_the_shop_does_not_have_fails_for_good
    outcome = Tasker::Testing.run("validate_cart", input: { lines: [{ sku: "yacht", quantity: 1 }] })
    assert_equal ["error", "the shop has no yacht"], [outcome.state, outcome.error["message"]]
  end

  def test_the_stock_is_reserved_with_progress_and_an_id_that_stays
    runs = Array.new(2) { Tasker::Testing.run("reserve_stock", results: { validate_cart: ORDER }) }
    assert_equal [3, 3], runs.map { |run| run.result["pieces"] }
    assert_equal 1, runs.map { |run| run.result["reservation_id"] }.uniq.size
    assert_equal ["2 × mug", "1 × pencil"], runs.first.progress.map { |said| said["note"] }
  end

  def test_without_a_payment_service_it_is_tried_again
    outcome = Tasker::Testing.run("process_payment", input: ORDER, results: { validate_cart: { total_cents: 5 } })
    assert_equal "retry", outcome.state
    assert_match(/set PAYMENT_SERVICE_URL/, outcome.error["message"])
  end
end
