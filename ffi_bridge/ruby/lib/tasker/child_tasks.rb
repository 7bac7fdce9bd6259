# frozen_string_literal: true

module Tasker
  # A task that a handler has started.
  # @!attribute id [String]
  # @!attribute name [String] the name under which the handler has started it
  ChildTask = Struct.new(:id, :name)

  # Child tasks, as a handler starts and awaits them. Pure.
  module ChildTasks
    ON_PARENT_END = %w[cancel leave].freeze
    PRIORITIES = %w[lowest low normal high highest].freeze
    ID = /\A\h{8}-\h{4}-\h{4}-\h{4}-\h{12}\z/
    private_constant :ON_PARENT_END, :PRIORITIES, :ID

    # @return [Hash{String => Object}] what is asked of the host, without the run; fields that say nothing left out
    # @raise [PermanentError]
    def self.request(template, input, name:, version:, on_parent_end:, priority:, tags:, context:)
      namespace, short, more = template.to_s.split("/", -1)
      if [namespace, short].any? { |part| part.nil? || part.empty? } || more
        raise PermanentError, "#{template.inspect} names no template: write \"namespace/name\""
      end

      name = (name || short).to_s
      choose("on_parent_end", on_parent_end, ON_PARENT_END)
      choose("priority", priority, PRIORITIES) unless priority.nil?
      of = "task #{name}"
      { "name" => name, "template" => template.to_s, "input" => Values.plain(input, "#{of}: input"),
        "version" => version&.to_s, "on_parent_end" => on_parent_end.to_s, "priority" => priority&.to_s,
        "tags" => Array(tags).map(&:to_s), "context" => Values.plain(context, "#{of}: context") }.compact
    end

    # @param task [ChildTask, String]
    # @return [Array(String, String)] its id, and the name by which it is waited for
    # @raise [PermanentError]
    def self.identify(task)
      return [task.id, task.name] if task.is_a?(ChildTask)
      raise PermanentError, "#{task.inspect} is no task's id" unless task.is_a?(String) && ID.match?(task)

      [task, task]
    end

    # @param on_blocked [Symbol, String] "wait" or "raise"
    # @return [Boolean] whether the wait ends when the task is blocked
    # @raise [PermanentError]
    def self.until_blocked?(on_blocked)
      choose("on_blocked", on_blocked, %w[wait raise])
      on_blocked.to_s == "raise"
    end

    # @param saved [Hash{String => Object}] what the end of an awaited task has saved
    # @return [Object] its result
    # @raise [TaskFailed, TaskCancelled, TaskTimedOut, PermanentError]
    def self.result(saved, id)
      raise TaskTimedOut, id if saved["timeout"]

      case saved["state"]
      when "complete", "resolved_manually" then saved["result"]
      when "cancelled" then raise TaskCancelled.new(id, saved["reason"])
      when nil then raise PermanentError, "there is no task #{id}: it may have been pruned"
      else
        failures = (saved["errors"] || []).map { |each| StepFailure.new(*each.values_at("step", "type", "message")) }
        raise TaskFailed.new(id, saved["state"], failures, saved["reason"])
      end
    end

    def self.choose(what, given, allowed)
      return if allowed.include?(given.to_s)

      raise PermanentError, "#{what} is #{given.inspect}; it is one of #{allowed.join(", ")}"
    end
    private_class_method :choose
  end
end
