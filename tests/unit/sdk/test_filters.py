"""The filter language: what texts mean, and what is said of those that mean nothing."""

from datetime import datetime

import pytest

from tasker.errors import InvalidInputError
from tasker.filters import merge_filters, parse_filter, serialize_filter


def test_terms_stand_side_by_side() -> None:
    assert parse_filter(
        'state=blocked_by_failures,error  template=shop/order@1.0.0 tag=vip tag=eu,uk created>2d created<1h30m '
        'failed=charge error=PaymentError error~"no \\"money\\" left",timeout priority=high,-2 fingerprint=ab12'
    ) == {
        "state": ["blocked_by_failures", "error"],
        "template": ["shop/order@1.0.0"],
        "tag": ["vip", "eu", "uk"],
        "created": {"after": "2d", "before": "1h30m"},
        "failed": ["charge"],
        "error": ["PaymentError"],
        "message": ['no "money" left', "timeout"],
        "priority": [1, "-2"],
        "fingerprint": ["ab12"],
    }  # fmt: skip
    assert parse_filter("") == parse_filter(" \n") == {}


def test_times_get_a_zone() -> None:
    local = datetime(2030, 1, 31).astimezone().isoformat()
    assert parse_filter("completed<2030-01-31") == {"completed": {"before": local}}
    given = parse_filter("started>2030-01-31T12:00:00Z")["started"]["after"]
    assert datetime.fromisoformat(given) == datetime.fromisoformat("2030-01-31T12:00:00+00:00")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("state", "filter, character 1: 'state' is no term"),
        ("state=", "'state=' is no term: it has no value"),
        ("state=error and", "filter, character 13: 'and' is no term"),
        ('state=error error~"no', "character 13: 'error~\"no' is no term"),
        ("state=error, tag=a", "'state=error,' is no term"),
        ('tag="a b', "its quotation mark is not closed"),
        ("state!=error", "'state!=error' is no term: there is no !="),
        ("priority=urgent", "one of lowest, low, normal, high, highest, not 'urgent'"),
        ("state~err", "state~err means nothing"),
        ("colour=red", "filter, character 1: colour=red means nothing. There are correlation_id="),
        ("created=2d", "created=2d means nothing"),
        ("created>2d,3d", "created>2d,3d means nothing"),
        ("created>soon", "'soon' is no time"),
        ("tag=a state=error state=paused", "character 19: state is given twice"),
        ("created>2d created>3d", "two times on one side of created. Give at most one"),
    ],
)
def test_what_is_no_filter_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse_filter(text)
    assert said in str(refused.value)


def test_an_object_is_taken_as_it_is() -> None:
    assert serialize_filter({"state": "error"}) == '{"state":"error"}'
    assert serialize_filter("state=error") == '{"state":["error"]}'
    assert serialize_filter(None) == "{}"
    with pytest.raises(InvalidInputError, match="not JSON"):
        serialize_filter({"state": object()})


def test_two_that_say_the_same_are_refused() -> None:
    assert merge_filters({"tag": ["a"]}, {"tag": ["b"], "state": ["error"]}) == {
        "tag": ["a", "b"],
        "state": ["error"],
    }
    with pytest.raises(InvalidInputError, match="state is given twice"):
        merge_filters({"state": ["error"]}, {"state": ["paused"]})
