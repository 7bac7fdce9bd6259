# frozen_string_literal: true

module Tasker
  # A log whose lines know their run: the worker puts them into its own, with the task, the step and the attempt.
  #
  #   ctx.logger.info("shipping", charge: charge_id)
  #   ctx.logger.debug { "dear: #{summary}" }
  class RunLogger
    LONGEST = 100_000
    private_constant :LONGEST

    # @param link [#tell]
    def initialize(link)
      @link = link
    end

    # @!method debug(message = nil, **fields)
    #   @param message [Object, nil] what is logged; else what the block gives
    #   @param fields [Hash{Symbol => Object}] what else there is to know
    #   @return [true]
    # @!method info(message = nil, **fields)
    #   (see #debug)
    # @!method warn(message = nil, **fields)
    #   (see #debug)
    # @!method error(message = nil, **fields)
    #   (see #debug)
    { debug: "debug", info: "info", warn: "warning", error: "error" }.each do |name, level|
      define_method(name) do |message = nil, **fields, &block|
        message = block.call if message.nil? && block
        @link.tell("log", { "level" => level, "message" => Failures.text(message)[0, LONGEST],
                            "fields" => fields.to_h { |key, value| [key.to_s, loggable(value)] } })
        true
      end
    end
    alias fatal error

    # @return [String]
    def inspect = "#<Tasker::RunLogger>"

    private

    # A log line must never end a run.
    def loggable(value)
      Values.plain(value, "a field")
    rescue ContractError
      Failures.text(value.inspect)[0, LONGEST]
    end
  end
end
