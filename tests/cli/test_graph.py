from tests.cli.samples import make_step

from tasker.cli.graph import split_into_levels


def names(levels):
    return [[step["name"] for step in level] for level in levels]


def test_a_step_stands_below_its_deepest_parent():
    steps = [
        make_step("a"),
        make_step("b", depends_on=["a"]),
        make_step("c", depends_on=["a", "b"]),
        make_step("d", depends_on=["a"]),
    ]
    assert names(split_into_levels(steps)) == [["a"], ["b", "d"], ["c"]]


def test_order_within_a_level_is_that_of_the_steps():
    steps = [
        make_step("z"),
        make_step("y"),
        make_step("late", depends_on=["y"]),
        make_step("early", depends_on=["z"]),
    ]
    assert names(split_into_levels(steps)) == [["z", "y"], ["late", "early"]]


def test_steps_of_a_cycle_come_last_and_unknown_parents_count_for_nothing():
    steps = [
        make_step("a", depends_on=["b"]),
        make_step("b", depends_on=["a"]),
        make_step("c", depends_on=["gone"]),
    ]
    assert names(split_into_levels(steps)) == [["c"], ["a", "b"]]


def test_a_long_chain_takes_no_quadratic_time():
    n = 20_000
    steps = [make_step(f"s{i}", depends_on=[f"s{i - 1}"] if i else []) for i in range(n)]
    assert len(split_into_levels(steps)) == n
