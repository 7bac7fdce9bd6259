# frozen_string_literal: true

# What handlers raise and rescue. Pure.
#
#   TaskerError < StandardError
#   ├── RetryableError          the attempt failed; another one may succeed
#   ├── PermanentError          the step failed; no other attempt would help
#   │   ├── EventTimedOut       the event that a handler waited for did not come
#   │   ├── ApprovalTimedOut    nobody answered what a handler asked
#   │   ├── TaskTimedOut        the task that a handler waited for did not end
#   │   ├── TaskFailed          the awaited task ended without a result, or is blocked
#   │   ├── TaskCancelled       the awaited task was cancelled
#   │   └── ContractError       a value is not what it must be
#   └── DefinitionError         a handler is written wrongly; raised while its file loads
#   Left < Exception            leaves a handler; not to be rescued
#   ├── Suspended               it waits
#   └── Stopped                 its run was cancelled
module Tasker
  # The root of all errors that Tasker raises.
  class TaskerError < StandardError; end

  # The attempt failed, and another one may succeed.
  class RetryableError < TaskerError
    # @return [Float, nil] the delay that is asked for, in seconds; nil: the step's backoff
    attr_reader :retry_after

    # @param message [String, nil]
    # @param retry_after [Numeric, String, nil] a delay in place of the step's backoff: seconds, or a text like "30s"
    # @raise [ArgumentError] when +retry_after+ is no duration
    def initialize(message = nil, retry_after: nil)
      super(message)
      @retry_after = retry_after.nil? ? nil : Durations.seconds(retry_after)
    end
  end

  # The step failed, and no other attempt would help: it goes to the dead letters at once.
  class PermanentError < TaskerError; end

  # The event that a handler waited for did not come in time. Rescue it to go another way.
  class EventTimedOut < PermanentError; end

  # Nobody answered in time what a handler asked. Rescue it to ask somebody else.
  class ApprovalTimedOut < PermanentError; end

  # A value is not what it must be: a result that is no JSON, a parameter that nothing fills.
  class ContractError < PermanentError; end

  # A step that failed for good.
  # @!attribute step [String] its name
  # @!attribute type [String] its last error's type
  # @!attribute message [String] that error's message
  StepFailure = Struct.new(:step, :type, :message) do
    # @return [String]
    def to_s = "#{step}: #{type}: #{message}"
  end

  # The awaited task will have no result by itself.
  class TaskFailed < PermanentError
    # @return [String]
    attr_reader :task_id, :state
    # @return [Array<StepFailure>] the steps that failed
    attr_reader :errors
    # @return [String, nil] why the task was ended, when it was
    attr_reader :reason

    # @param task_id [String]
    # @param state [String]
    # @param errors [Array<StepFailure>]
    # @param reason [String, nil]
    def initialize(task_id, state, errors = [], reason = nil)
      why = reason ? ": #{reason}" : ""
      super("task #{task_id} is in state #{state}#{why}#{errors.map { |error| "\n  #{error}" }.join}")
      @task_id = task_id
      @state = state
      @errors = errors
      @reason = reason
    end
  end

  # The task that a handler waited for did not end in time. It goes on.
  class TaskTimedOut < PermanentError
    # @return [String]
    attr_reader :task_id

    # @param task_id [String]
    def initialize(task_id)
      super("task #{task_id} did not end in time")
      @task_id = task_id
    end
  end

  # The awaited task was cancelled.
  class TaskCancelled < PermanentError
    # @return [String]
    attr_reader :task_id
    # @return [String, nil] what was given for it, when it is known
    attr_reader :reason

    # @param task_id [String]
    # @param reason [String, nil]
    def initialize(task_id, reason = nil)
      super("task #{task_id} was cancelled#{": #{reason}" if reason}")
      @task_id = task_id
      @reason = reason
    end
  end

  # A handler is written wrongly. Raised while its file loads, so that no step ever meets it.
  class DefinitionError < TaskerError; end

  # Leaves a handler. No StandardError, so that a handler's own +rescue => error+ does not hold it; +ensure+ runs.
  class Left < Exception; end

  # Leaves a handler that waits; it runs again from its beginning when what it waits for has come.
  class Suspended < Left
    # @return [Hash{String => Object}] what it waits for, as the protocol's +wait+
    attr_reader :wait

    # @param wait [Hash{String => Object}]
    def initialize(wait)
      super(wait["name"])
      @wait = wait
    end
  end

  # Leaves a handler whose run was cancelled.
  class Stopped < Left; end
end
