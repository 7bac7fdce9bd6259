"""Reading a file of resources: what is taken, and what is told of what is not."""

import json
import re
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tasker.actions.resources_file import examine_resources, load_resources, parse_resources
from tasker.errors import ResourcesError
from tasker_grammar.findings import Finding
from tasker_grammar.resources import Event, Resources, Secret

GOOD = """
labels: [public, internal]
endpoints:
  order:
    description: One order of the shop.
    base_url: https://shop.example/api
    path: /orders/{id}
    params:
      type: object
      properties: { id: { type: string }, full: { type: [boolean, "null"] } }
      required: [id]
      additionalProperties: false
    result: { type: object }
    headers: { Authorization: { $secret: shop_token } }
    label: internal
  orders:
    base_url: { $secret: shop_url }
    pages: { style: number, parameter: page }
    result: { type: array }
tables:
  orders:
    table: orders
    row:
      type: object
      properties: { id: { type: string }, total: { type: number } }
      required: [id]
      additionalProperties: false
    key: [id]
events:
  order_paid: { payload: { type: object } }
schemas:
  id: { type: string }
"""


def test_a_good_file() -> None:
    resources = parse_resources(GOOD)
    assert resources.endpoints["order"].headers["Authorization"] == Secret.model_validate(
        {"$secret": "shop_token"}
    )
    assert resources.tables["orders"].key == ("id",)


def test_json_is_read_as_well(tmp_path: Path) -> None:
    file = tmp_path / "resources.json"
    file.write_text('{"events": {"done": {"payload": true}}}')
    assert load_resources(file).events["done"].payload is True


def test_everything_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "resources.yaml"
    file.write_text(
        """labels: [public]
endpoints:
  Order:
    base_url: https://shop.example
  order:
    base_ulr: https://shop.example
    timeout: 1000
  other:
    base_url: 7
    headers:
      X-A: [1]
tables:
  orders: { table: orders, row: true }
eventz: {}
"""
    )
    with pytest.raises(ResourcesError) as raised:
        load_resources(file)
    text = str(raised.value).replace(str(file), "f")
    for said in (
        'f:6: error: the field "base_ulr" is unknown. Did you mean',
        "f:5: error: base_url is missing. Add `base_url:`. [P001]",
        "f:7: error: timeout is not right. It should be less than or equal to 300. [P001]",
        'f:9: error: base_url is neither a text nor a secret. Write a text, or {"$secret": name}. [P001]',
        "f:11: error: X-A is neither a text nor a secret",
        "f:13: error: key is missing",
        'f:14: error: the field "eventz" is unknown. Did you mean "events"?',
        'f:3: error: "Order" is no name. Use up to 63',
    ):
        assert said in text, text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there are no resources in it"),
        ("[]", "is not right"),
        ("a: 1\n---\nb: 2", "several documents"),
        ("events: {e: {payload: true}, e: {payload: true}}", "is given twice"),
        ("events: {e: {payload: !!python/object:os.system x}}", "is not allowed"),
        ("a: &a [*a]", "no end"),
        ("{", "no YAML"),
    ],
)
def test_what_is_no_file_of_resources(text: str, said: str) -> None:
    with pytest.raises(ResourcesError, match="P00") as raised:
        parse_resources(text)
    assert said in str(raised.value)


@pytest.mark.parametrize("name", ["missing.yaml", "folder", "latin.yaml"])
def test_what_cannot_be_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff")
    with pytest.raises(ResourcesError, match=name):
        load_resources(tmp_path / name)


def examine(text: str) -> list[Finding]:
    with NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        return [each.finding for each in examine_resources(file.name)[2]]


ENDPOINT = "endpoints: {e: {base_url: 'https://a.example'"
OBJECT = (
    "{type: object, properties: {id: {type: string}}, required: [id], additionalProperties: false}"
)
NESTED = OBJECT.replace("string", "object")
ARRAY = OBJECT.replace("string", "array")
TABLE = f"tables: {{t: {{table: t, row: {OBJECT}, key: [id]"


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        ("endpoints: {e: {base_url: 'ftp://a.example'}}", "/endpoints/e/base_url", "https://"),
        ("endpoints: {e: {base_url: 'https://u:p@a.example'}}", "/endpoints/e/base_url", "a user"),
        ("endpoints: {e: {base_url: 'https://a.example?x=1'}}", "/endpoints/e/base_url", "query"),
        ("endpoints: {e: {base_url: 'not a url'}}", "/endpoints/e/base_url", "base_url"),
        (ENDPOINT + ", path: /a/../b}}", "/endpoints/e/path", "no path"),
        (ENDPOINT + ", path: '/a?b=c'}}", "/endpoints/e/path", "no path"),
        (ENDPOINT + ", path: '/a//b'}}", "/endpoints/e/path", "no path"),
        (ENDPOINT + ", path: '/{1}'}}", "/endpoints/e/path", "no path"),
        (ENDPOINT + ", path: '/{id}'}}", "/endpoints/e/path", "not always given"),
        (ENDPOINT + ", path: '/{id}', params: " + ARRAY + "}}", "/endpoints/e/path", "cannot stand in a path"),
        (ENDPOINT + ", params: {type: object}}}", "/endpoints/e/params", "params lets in fields that it does not name"),
        (ENDPOINT + ", params: {type: string}}}", "/endpoints/e/params", "params is no schema of an object"),
        (ENDPOINT + ", params: " + NESTED + "}}", "/endpoints/e/params/properties/id", "query"),
        (ENDPOINT + ", headers: {Host: a}}}", "/endpoints/e/headers/Host", "not for endpoints"),
        (ENDPOINT + ', headers: {X: "a\\r\\nb"}}}', "/endpoints/e/headers/X", "end of a line"),
        (ENDPOINT + ", headers: {'X Y': a}}}", "/endpoints/e/headers/X Y", "no name"),
        (ENDPOINT + ", private_hosts: [localhost]}}", "/endpoints/e/private_hosts/0", "port"),
        (ENDPOINT + ", pages: {style: cursor, parameter: c}}}", "/endpoints/e/pages", "cursor_field"),
        (ENDPOINT + ", pages: {style: number}}}", "/endpoints/e/pages", "parameter"),
        (ENDPOINT + ", pages: {style: link}, method: HEAD}}", "/endpoints/e/method", "HEAD"),
        (ENDPOINT + ", pages: {style: link}, result: {type: object}}}", "/endpoints/e/result", "array"),
        (ENDPOINT + ", label: secret}}", "/endpoints/e/label", "no label"),
        ("labels: [a, a]", "/labels", "twice"),
        (TABLE + ", schema: tasker}}", "/tables/t/schema", "engine"),
        ("tables: {t: {table: t, row: {type: object}, key: [id]}}", "/tables/t/row", "row lets in fields"),
        (TABLE.replace("key: [id", "key: [no") + "}}", "/tables/t/key/0", "not in every row"),
        (TABLE.replace("{type: string}", "{type: [string, 'null']}") + "}}", "/tables/t/key/0", "null"),
        (f"events: {{{'e' * 50}: {{payload: true}}}}", "/events/" + "e" * 50, "too long"),
    ],
)  # fmt: skip
def test_an_entry_that_cannot_be_used(text: str, path: str, said: str) -> None:
    findings = examine(text)
    assert [(f.code, f.path) for f in findings] == [("R505", path)], findings
    assert said in findings[0].message


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("schemas: {s: {type: nothing}}", "error"),
        ("schemas: {s: {$ref: 'https://evil.example/x.json'}}", "error"),
        ("schemas: {s: {$ref: 'file:///etc/passwd'}}", "error"),
        ("schemas: {s: {not: {type: string}}}", "warning"),
    ],
)
def test_a_schema_that_cannot_be_used(text: str, severity: str) -> None:
    findings = examine(text)
    assert [(f.code, f.severity) for f in findings] == [("S601", severity)]


WORDS = [
    "endpoints", "tables", "events", "actions", "schemas", "labels", "e", "base_url", "pages", "row", "key", "headers",
    "$secret", "params", "properties", "type",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON)
def test_no_file_raises_anything_else(data: object) -> None:
    with suppress(ResourcesError):
        parse_resources(json.dumps(data))


@pytest.mark.parametrize("host", ["127.0.0.1:8977", "localhost:80", "[::1]:443", "10.0.0.7:8080"])
def test_a_host_that_is_not_public_is_told_before_it_is_asked(host: str) -> None:
    def text(private: list[str]) -> str:
        given = {"base_url": f"http://{host}", "private_hosts": private}
        return json.dumps({"endpoints": {"own": given}})

    with pytest.raises(ResourcesError, match=r'is not public.*private_hosts: \["') as raised:
        parse_resources(text([]))
    assert host in str(raised.value)
    assert parse_resources(text([host]))


def test_a_timeout_that_is_no_number() -> None:
    text = "endpoints: {orders: {base_url: https://shop.example, timeout: 2s}}"
    with pytest.raises(
        ResourcesError, match=r"timeout is '2s'\. It should be a number of seconds\."
    ):
        parse_resources(text)


def test_names_of_events_are_checked_where_resources_are_made() -> None:
    event = {"payload": True}
    long, bad = "e" * 41, "Order paid"
    assert Resources.model_validate({"events": {"e" * 40: event, long: event | {"queue": "paid"}}})
    with pytest.raises(ValidationError, match=f"{long} is too long for the name of a queue"):
        Resources(events={long: Event(payload=True), "fine": Event(payload=True)})
    with pytest.raises(ValidationError, match=re.escape(bad)):
        Resources(events={bad: Event(payload=True)})


def test_each_long_name_is_told_at_its_line() -> None:
    long, longer = "e" * 41, "e" * 42
    with pytest.raises(ResourcesError) as raised:
        parse_resources(f"events:\n  {long}: {{payload: true}}\n  {longer}: {{payload: true}}")
    assert str(raised.value).splitlines() == [
        f"<text>:{line}: error: {name} is too long for the name of a queue."
        " Give it a shorter name, or a `queue:` of at most 40 characters. [R505]"
        for line, name in ((2, long), (3, longer))
    ]


def test_a_bad_name_is_told_with_what_a_name_is() -> None:
    with pytest.raises(ResourcesError) as raised:
        parse_resources("events:\n  Order paid: {payload: true}")
    assert str(raised.value) == (
        '<text>:2: error: "Order paid" is no name. Use up to 63 lower-case letters, digits and underscores, a letter'
        " first. [P001]"
    )
