# frozen_string_literal: true

# The handlers, without a worker and without a database.

require "minitest/autorun"
require "tasker/testing"
require_relative "../handlers"

class TestHandlers < Minitest::Test
  ACCOUNT = { account_id: "account-1", email: "ada@example.org" }.freeze

  def test_an_account_has_the_same_id_on_every_attempt
    runs = [1, 2].map { |attempt| Tasker::Testing.run("create_account", input: ACCOUNT, step: { attempt: attempt }) }
    assert_equal 1, runs.map { |run| run.result["account_id"] }.uniq.size
  end

  def test_what_is_no_address_fails_for_good
    run = Tasker::Testing.run("create_account", input: { email: "ada" })
    assert_equal ["error", "ada is no address"], [run.state, run.error["message"]]
  end

  def test_a_busy_mail_server_is_asked_again
    first, second = [1, 2].map do |attempt|
      Tasker::Testing.run("send_welcome", results: { create_account: ACCOUNT }, step: { attempt: attempt })
    end
    assert_equal ["retry", 1.0], [first.state, first.delay]
    assert_equal 2, second.result["attempt"]
  end

  def test_the_look_back_waits_first
    run = Tasker::Testing.run("follow_up", results: { create_account: ACCOUNT, send_welcome: { attempt: 2 } })
    assert_equal 2.0, run.wait["seconds"]
    assert_equal "ada@example.org was welcomed by attempt 2", run.resume.result
  end
end
