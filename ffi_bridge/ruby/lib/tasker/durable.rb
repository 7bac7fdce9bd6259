# frozen_string_literal: true

module Tasker
  # How far a handler had come, and what it had by then, as parsed JSON.
  # @!attribute cursor [Object]
  # @!attribute partial [Object]
  Checkpoint = Struct.new(:cursor, :partial) do
    # @return [String] without what was saved: errors and logs show it
    def inspect = "#<Tasker::Checkpoint>"
    alias_method :to_s, :inspect
  end

  # Code in a handler that survives crashes and waits. What it has done is saved, and what it waits for takes no slot.
  #
  # A handler that waits is left, and later run again from its beginning. What it had saved, and what its waits came to,
  # it finds by their names; so the names, and their order, must be the same on each run.
  #
  # Each of these calls raises {Stopped} when the run was cancelled, also while it waits for the worker's answer.
  # Touches the worker through the link that it is given, and nothing else.
  class Durable
    LONGEST_NAME = 255
    private_constant :LONGEST_NAME

    # @param saved [Hash{String => Object}]
    # @param link [#ask, #check] asks the worker, and raises {Stopped} when the run was cancelled
    def initialize(saved, link)
      @saved = saved
      @link = link
      @used = {}
      @awaited = Hash.new(0)
    end

    # @see Context#run
    def run(name)
      key = use("run", name)
      return @saved[key] if @saved.key?(key)

      @link.check
      result = Values.load(Values.dump(yield, "what run #{name} returns"))
      save(key, result, replace: false)
      result
    end

    # @see Context#last_checkpoint
    def last_checkpoint
      saved = @saved["checkpoint"]
      saved && Checkpoint.new(saved["cursor"], saved["partial"])
    end

    # @see Context#checkpoint
    def checkpoint(cursor, partial)
      save("checkpoint", Values.plain({ "cursor" => cursor, "partial" => partial }, "a checkpoint"), replace: true)
    end

    # @see Context#sleep
    def sleep(duration, name)
      name ||= 1 + @used.each_key.count { |key| key.start_with?("sleep:") }
      key = use("sleep", name)
      wait(key, "seconds" => seconds(key, duration)) unless @saved.key?(key)
    end

    # @see Context#wait_event
    def wait_event(event, timeout)
      key = use("event", event)
      wait(key, "event" => event.to_s, "seconds" => seconds(key, timeout)) unless @saved.key?(key)
      came = @saved[key]
      return came["event"] if came.is_a?(Hash) && came.key?("event")

      raise EventTimedOut, "event #{event} did not come in time"
    end

    # @see Context#ask
    def ask(name, title, data:, form:, who:, timeout:, default:)
      key = use("ask", name)
      question = Approvals.question(name.to_s, title, data, form, who)
      wait(key, "seconds" => seconds(key, timeout), "approval" => question) unless @saved.key?(key)
      Approvals.read(@saved[key], name, form, default)
    end

    # @see Context#start_task
    def start_task(request)
      name = request.fetch("name")
      key = use("start", name)
      id = @saved.fetch(key) do
        answer = @link.ask("start_task", request)
        answer["task_id"] or raise RetryableError, "the lease was lost, so #{name} was not started"
      end
      ChildTask.new(id, name)
    end

    # @see Context#wait_task
    def wait_task(task, timeout, on_blocked)
      id, name = ChildTasks.identify(task)
      until_blocked = ChildTasks.until_blocked?(on_blocked)
      again = (@awaited[name] += 1)
      key = use("task", again == 1 ? name : "#{name}##{again}")
      unless @saved.key?(key)
        wait(key, "task" => id, "seconds" => seconds(key, timeout), "until_blocked" => until_blocked)
      end
      ChildTasks.result(@saved[key], id)
    end

    private

    def save(key, value, replace:)
      answer = @link.ask("checkpoint", { "name" => key, "value" => value, "replace" => replace })
      return if answer["saved"] == true

      raise RetryableError, "the lease was lost, so #{key.delete_prefix("run:")} was not saved"
    end

    def wait(key, fields)
      @link.check
      raise Suspended.new({ "name" => key }.merge(fields).compact)
    end

    def use(kind, name)
      name = name.to_s
      unless name.length.between?(1, LONGEST_NAME)
        raise PermanentError, "the name of a #{kind} has 1 to #{LONGEST_NAME} characters, not #{name.length}"
      end

      key = "#{kind}:#{name}"
      raise PermanentError, "two #{kind}s are named #{name} in one run of a handler" if @used.key?(key)

      @used[key] = true
      key
    end

    def seconds(key, duration)
      duration.nil? ? nil : Durations.seconds(duration)
    rescue ArgumentError => error
      raise PermanentError, "#{key}: #{error.message}"
    end
  end
end
