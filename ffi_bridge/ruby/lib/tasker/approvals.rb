# frozen_string_literal: true

module Tasker
  # What somebody answered, or what holds because nobody did in time.
  # @!attribute approved [Boolean]
  # @!attribute answer [Object, nil] what they filled in; nil where there was no form, or it was left empty
  # @!attribute by [String, nil] who answered; nil when nobody did
  # @!attribute reason [String, nil]
  # @!attribute expired [Boolean] whether nobody answered in time, so that this is the default
  Approval = Struct.new(:approved, :answer, :by, :reason, :expired) do
    # @return [Boolean]
    def approved? = approved

    # @return [Boolean]
    def expired? = expired

    # @return [String] without what they wrote: errors and logs show it
    def inspect = "#<Tasker::Approval #{approved ? "approved" : "refused"}#{", expired" if expired}>"
    alias_method :to_s, :inspect
  end

  # What a handler asks people, and what they answer. Pure.
  module Approvals
    # @return [Hash{String => Object}] the question as the protocol has it
    # @raise [ContractError]
    def self.question(name, title, data, form, who)
      raise ContractError, "approval #{name}: who is a list of people and roles, not #{who.inspect}" unless who.is_a?(Array)

      { "name" => name, "title" => title || name, "data" => Values.plain(data, "approval #{name}: data"),
        "form" => Values.plain(form, "approval #{name}: form"), "who" => who.map(&:to_s) }
    end

    # @return [Approval] what the wait's end has saved, or the default
    # @raise [ApprovalTimedOut]
    def self.read(saved, name, form, default)
      unless saved.is_a?(Hash) && saved.key?("approved")
        raise ApprovalTimedOut, "nobody answered #{name} in time" if default.nil?

        return Approval.new(default, nil, nil, nil, true)
      end
      if form && saved["approved"] && saved["answer"].nil?
        raise ContractError, "the answer to approval #{name} is missing, though it was approved"
      end
      Approval.new(*saved.values_at("approved", "answer", "by", "reason"), false)
    end
  end
end
