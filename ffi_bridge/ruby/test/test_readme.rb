# frozen_string_literal: true

require_relative "helper"

# The examples of the README, in their order; behind "# =>" stands what a line gives.
class TestReadme < HandlerTest
  README = File.expand_path("../README.md", __dir__)
  WHERE = Object.new.instance_eval { binding }

  def test_its_examples_run_and_give_what_they_say
    checked = 0
    blocks = File.read(README).scan(/^```ruby run\n(.*?)^```$/m).flatten
    refute_empty blocks
    blocks.each do |block|
      pending = +""
      block.each_line do |line|
        code, said = line.split(/\s+# => /, 2)
        pending << code << "\n"
        next unless said

        assert_equal [eval(said)], [WHERE.eval(pending)], line
        pending.clear
        checked += 1
      end
      WHERE.eval(pending)
    end
    assert_operator checked, :>=, 8
  end
end
