# frozen_string_literal: true

require_relative "helper"

class TestLines < Minitest::Test
  def read(limit, *writes)
    input, output = IO.pipe
    lines = Tasker::Lines.new(input, limit)
    found = []
    reading = Thread.new { lines.each { |line| found << line } }
    writes.each { |data| output.write(data) }
    output.close
    refute reading.value, "the input has ended"
    [found, lines]
  end

  def test_lines_that_come_in_parts_and_several_at_once
    assert_equal ["ab", "c", "", "ü"], read(100, "a", "b\nc\n", "\n\xC3", "\xBC\n", "unfinished").first
  end

  def test_a_line_that_is_too_long_is_not_kept
    found, lines = read(10, "x" * 1_000_000, "y" * 1_000_000)
    assert_empty found
    assert_operator lines.instance_variable_get(:@rest).bytesize, :<, 10
    assert_equal [nil, "b"], read(10, "x" * 1_000_000, "\nb\n").first
  end
end
