# frozen_string_literal: true

module Tasker
  # The bridge protocol's words, and what a message must be (docs/bridge-protocol.md). Pure.
  module Protocol
    VERSION = "1.0"
    # In bytes, the line feed included.
    LONGEST_LINE = 64 * 1024 * 1024

    NO_JSON = -32_700
    BAD_MESSAGE = -32_600
    NO_METHOD = -32_601
    BAD_PARAMS = -32_602
    NO_PROTOCOL = -32_001
    TOO_MANY = -32_002
    TOO_LONG = -32_003

    OPTIONAL_HASH = ->(value) { value.nil? || value.is_a?(Hash) }
    OPTIONAL_NUMBER = ->(value) { value.nil? || value.is_a?(Numeric) }
    EXECUTE = { "run" => String, "handler" => String, "task" => Hash, "step" => Hash, "results" => Hash, "saved" => Hash,
                "undoes" => OPTIONAL_HASH, "trace" => OPTIONAL_HASH }.freeze
    TASK = { "id" => String, "namespace" => String, "template" => String, "version" => String, "tags" => Array }.freeze
    STEP = { "name" => String, "number" => Integer, "kind" => String, "config" => Hash, "attempt" => Integer,
             "max_attempts" => Integer, "idempotency_key" => String, "deadline" => OPTIONAL_NUMBER }.freeze
    private_constant :OPTIONAL_HASH, :OPTIONAL_NUMBER, :EXECUTE, :TASK, :STEP

    class << self
      # @param id [String, Integer, nil]
      # @param result [String] JSON
      # @return [String] a line
      def answer(id, result) = %({"jsonrpc":"2.0","id":#{id_text(id)},"result":#{result}}\n)

      # @return [String] a line
      def error(id, code, message)
        %({"jsonrpc":"2.0","id":#{id_text(id)},"error":#{JSON.generate("code" => code, "message" => message)}}\n)
      end

      # @return [String] a line
      def call(id, method, params)
        %({"jsonrpc":"2.0",#{%("id":#{id},) if id}"method":"#{method}","params":#{JSON.generate(params, max_nesting: 0)}}\n)
      end

      # @param message [Object] parsed JSON
      # @return [String, nil] what keeps it from being a message
      def fault(message)
        return "a line that is no JSON object" unless message.is_a?(Hash)
        return 'a message without "jsonrpc": "2.0"' unless message["jsonrpc"] == "2.0"
        message.key?("method") ? call_fault(message) : answer_fault(message)
      end

      # @return [String, Integer, nil] the id of a request that may be no message
      def id_of(message)
        id = message.is_a?(Hash) && message.key?("method") ? message["id"] : nil
        id if id?(id)
      end

      # @return [String, nil] what is wrong with the params of +initialize+
      def initialize_fault(params)
        protocols = params["protocol"]
        return "protocol is no list of texts" unless protocols.is_a?(Array) && protocols.all?(String)

        limits = params.fetch("limits", {})
        most = limits.is_a?(Hash) ? limits.fetch("message_bytes", LONGEST_LINE) : nil
        "limits.message_bytes is no number of bytes" unless most.is_a?(Integer) && most.positive?
      end

      # @return [String, nil] what is wrong with the params of +execute+
      def execute_fault(params)
        misfit(params, EXECUTE, "") || misfit(params["task"], TASK, "task.") || misfit(params["step"], STEP, "step.")
      end

      private

      def id?(id) = id.is_a?(Integer) || id.is_a?(String)

      def id_text(id) = id.is_a?(Integer) ? id : JSON.generate(id)

      def call_fault(message)
        return "a method that is no text" unless message["method"].is_a?(String)

        "an id that is no text and no integer" if message.key?("id") && !id?(message["id"])
      end

      def answer_fault(message)
        nameless = message.key?("id") && message["id"].nil? && message.key?("error")
        return "a message with neither a method nor an id" unless nameless || id?(message["id"])
        return "an answer that has not exactly one of result and error" unless message.key?("result") ^ message.key?("error")

        "an error without a code and a message" if message.key?("error") && !error?(message["error"])
      end

      def error?(error) = error.is_a?(Hash) && error["code"].is_a?(Integer) && error["message"].is_a?(String)

      def misfit(object, fields, prefix)
        fields.each { |name, kind| return "#{prefix}#{name} is missing or wrong" unless kind === object[name] }
        nil
      end
    end
  end
end
