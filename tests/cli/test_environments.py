import pytest
from tests.cli.test_template_schema import run

YAML = """\
name: order
namespace_name: shop
version: 1.0.0
steps:
  - name: pay
    handler: {callable: shop.pay}
    timeout_seconds: 30
environments:
  production:
    steps:
      - name: pay
        timeout_seconds: 90
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "order.yaml"
    path.write_text(YAML)
    return path


def test_a_template_is_shown_as_it_is_in_an_environment_with_what_that_changes(file):
    shown = run("template", "show", file, "--env", "production")
    assert "90 s per attempt" in shown.out
    assert ["pay", "attempt_time_limit", "30", "s", "1", "min", "30", "s"] in [
        line.split() for line in shown.out.splitlines()
    ]
    document = run("template", "show", file, "-e", "production", "-o", "json").json
    assert document["environment"] == "production"
    assert document["changes"] == [
        {"step": "pay", "field": "attempt_time_limit", "before": 30.0, "after": 90.0}
    ]
    assert document["definition"]["steps"][0]["attempt_time_limit"] == 90


def test_without_one_the_environments_that_there_are_are_listed(file):
    assert "production" in run("template", "show", file).out
    document = run("template", "show", file, "-o", "json").json
    assert document["environments"] == ["production"] and "changes" not in document
    assert document["definition"]["steps"][0]["attempt_time_limit"] == 30


@pytest.mark.parametrize("command", ["validate", "show", "register"])
def test_an_environment_that_there_is_not_is_refused(file, command):
    ran = run("template", command, file, "--env", "prodution")
    assert ran.code == 2 and 'Did you mean "production"?' in ran.err


def test_a_registered_template_has_no_environments_any_more(file):
    ran = run("template", "show", "shop/order", "--env", "production")
    assert ran.code == 2 and "YAML file" in ran.err


def test_validate_looks_at_all_environments(file):
    file.write_text(YAML.replace("timeout_seconds: 90", "timeout_seconds: -1"))
    ran = run("template", "validate", file)
    assert ran.code == 1
    assert ran.out.startswith(f"{file}:12: error: in environment production: ")
