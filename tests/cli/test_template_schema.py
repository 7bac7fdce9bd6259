import json

import jsonschema_rs
import pytest
from tests.cli.conftest import Ran
from typer.testing import CliRunner

from tasker.cli.app import app
from tasker.scaffold import SCHEMA_NAME, Language, make_project
from tasker.yaml_source import read_documents


def run(*arguments):
    """Run a command that needs no database, where there is none."""
    nowhere = {"TASKER_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    result = CliRunner().invoke(app, [str(each) for each in arguments], env=nowhere)
    return Ran(result.exit_code, result.stdout, result.stderr)


def test_the_schema_is_printed_or_written_to_a_file(tmp_path):
    printed = run("template", "schema")
    jsonschema_rs.Draft202012Validator(printed.json)
    target = tmp_path / "template.schema.json"
    written = run("template", "schema", "--to", target)
    assert (written.code, written.out) == (0, "")
    assert json.loads(target.read_text()) == printed.json


@pytest.mark.parametrize("language", [Language.ruby, Language.typescript])
def test_a_new_project_names_the_schema_in_its_template_and_has_it(tmp_path, language):
    make_project(tmp_path / "shop", language)
    text = (tmp_path / "shop" / "signup.yaml").read_text()
    assert text.startswith(f"# yaml-language-server: $schema={SCHEMA_NAME}\n")
    schema = json.loads((tmp_path / "shop" / SCHEMA_NAME).read_text())
    (document,) = read_documents(text)
    assert jsonschema_rs.Draft202012Validator(schema).is_valid(document.data)
    assert not jsonschema_rs.Draft202012Validator(schema).is_valid(document.data | {"nmae": "x"})
