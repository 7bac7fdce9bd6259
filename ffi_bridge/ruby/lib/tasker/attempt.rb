# frozen_string_literal: true

module Tasker
  # Runs a handler once, and says what that came to. Touches what the handler touches.
  module Attempt
    # The outcome of a run that has stopped because it was cancelled.
    CANCELLED = '{"outcome":"cancelled"}'

    # @param handler [Handler]
    # @param context [Context]
    # @return [String] the outcome, as the JSON that the protocol has it in
    def self.outcome(handler, context)
      returned = handler.call(context)
      return expand(handler, returned) if Expansion === returned

      %({"outcome":"complete","result":#{Values.dump(returned, "what handler #{handler.name} returns")}})
    rescue Suspended => waiting
      dump("outcome" => "wait", "wait" => waiting.wait)
    rescue Stopped => error
      context.cancelled? ? CANCELLED : failed("retry", error)
    rescue PermanentError => error
      failed("error", error)
    rescue RetryableError => error
      failed("retry", error, error.retry_after)
    rescue Exception => error # whatever a handler raises ends its run, and nothing else: exit and Interrupt, too
      failed("retry", error)
    end

    # @param outcome ["retry", "error"]
    # @param error [Exception]
    # @param delay [Float, nil]
    # @return [String]
    def self.failed(outcome, error, delay = nil)
      dump({ "outcome" => outcome, "error" => Failures.describe(error), "delay" => delay }.compact)
    end

    def self.expand(handler, expansion)
      result = Values.dump(expansion.result, "what handler #{handler.name} returns")
      steps = Values.dump(expansion.steps, "the expansion of handler #{handler.name}")
      %({"outcome":"complete","result":#{result},"expansion":#{steps}})
    end
    private_class_method :expand

    def self.dump(outcome) = JSON.generate(outcome, max_nesting: Values::DEEPEST + 20)
    private_class_method :dump
  end
end
