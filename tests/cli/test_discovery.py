import sys

import pytest

from tasker.discovery import DiscoveryError, discover, find_folder
from tasker.errors import TemplateError

FLOW = """\
from tasker import Workflow, handler, StepHandler
{imports}
flow = Workflow("flow", namespace="found")
again = flow

@flow.step
def one(input: dict) -> int:
    return 1

@handler("loose")
def loose(input: dict) -> int:
    return 2

class Sturdy(StepHandler):
    name = "sturdy"
    def call(self, input: dict) -> int:
        return 3
"""
YAML = """\
name: written
namespace_name: found
version: 1.0.0
steps:
  - {name: only, handler: {callable: loose}}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty current folder; what is imported from it is forgotten again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def names(found):
    return [w.name for w in found.workflows], sorted(h.name for h in found.handlers)


def test_a_module_is_found_by_name_and_by_file(folder):
    (folder / "flows.py").write_text(FLOW.format(imports=""))
    expected = (["flow"], ["loose", "sturdy"])
    assert names(discover(["flows"])) == expected
    assert names(discover(["flows.py"])) == expected
    assert names(discover([str(folder / "flows.py")])) == expected


def test_a_module_in_a_package_may_import_its_siblings(folder):
    package = folder / "src" / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "models.py").write_text("PRICE = 1")
    (package / "flows.py").write_text(FLOW.format(imports="from shop.models import PRICE"))
    (folder / "src" / "top.py").write_text("from shop.flows import *")
    assert names(discover(["src/shop/flows.py"]))[0] == ["flow"]
    assert names(discover(["src/top.py"]))[0] == ["flow"]
    assert find_folder("src/shop/flows.py") == folder / "src" / "shop"
    assert find_folder("src/top.py") == folder / "src"


def test_what_is_named_twice_counts_once(folder):
    (folder / "flows.py").write_text(FLOW.format(imports=""))
    (folder / "more.py").write_text("from flows import flow, loose")
    assert names(discover(["flows", "more"])) == (["flow"], ["loose", "sturdy"])


def test_templates_come_from_files_and_folders(folder):
    (folder / "templates").mkdir()
    (folder / "templates" / "a.yaml").write_text(YAML)
    (folder / "flows.py").write_text(FLOW.format(imports=""))
    found = discover(["flows"], [folder / "templates"])
    assert [t.full_name for t in found.all_templates] == ["found/flow", "found/written"]
    (folder / "templates" / "a.yaml").write_text(YAML.replace("only", "[]"))
    with pytest.raises(TemplateError, match=r"a\.yaml:5"):
        discover((), [folder / "templates"])


@pytest.mark.parametrize(
    ("given", "content", "said"),
    [
        ("nowhere", None, "there is no module nowhere"),
        ("flows.deeper", FLOW, "there is no module flows.deeper"),
        ("nowhere.py", None, "there is no file nowhere.py"),
        ("flows.py", "import nonesuch_module", r"flows.py:1: ModuleNotFoundError: No module"),
        ("flows.py", "x = 1\nx.y", r"flows.py:2: AttributeError"),
        ("flows.py", "import json\n\n\njson.loads('{')", r"flows.py:4: JSONDecodeError"),
        ("flows.py", "def (", r"flows.py:1: invalid syntax"),
        ("flows.py", "raise SystemExit(3)", r"flows.py:1: SystemExit: 3"),
        ("flows.py", "x = 1", "flows.py has no workflow and no handler"),
        (
            "flows.py",
            "from tasker import Workflow\nw = Workflow('a b', namespace='!')",
            r"flows.py:2: DefinitionError",
        ),
    ],
)
def test_what_cannot_be_loaded_is_told_in_a_line_with_its_place(folder, given, content, said):
    if content is not None:
        (folder / "flows.py").write_text(
            content.format(imports="") if "{imp" in content else content
        )
    with pytest.raises(DiscoveryError, match=said) as raised:
        discover([given])
    assert len(str(raised.value).splitlines()) == 1


def test_a_name_that_is_taken_and_a_folder_that_is_no_package_are_refused(folder):
    (folder / "json.py").write_text(FLOW.format(imports=""))
    with pytest.raises(DiscoveryError, match="its name is taken by"):
        discover(["json.py"])
    (folder / "plain").mkdir()
    with pytest.raises(DiscoveryError, match="no package"):
        discover(["./plain"])


def test_an_empty_package_says_what_to_name(folder):
    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").write_text("")
    with pytest.raises(DiscoveryError, match="It is a package: name the module"):
        discover(["shop"])


def test_the_folder_to_watch_is_found_without_importing(folder):
    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").write_text("raise RuntimeError('imported')")
    (folder / "shop" / "flows.py").write_text("")
    (folder / "alone.py").write_text("raise RuntimeError('imported')")
    assert find_folder("shop.flows") == folder / "shop"
    assert find_folder("alone") == folder
    with pytest.raises(DiscoveryError, match="no module nowhere"):
        find_folder("nowhere.flows")
    with pytest.raises(DiscoveryError, match=r"no module shop\.nowhere"):
        find_folder("shop.nowhere")
    with pytest.raises(DiscoveryError, match=r"no file nowhere\.py"):
        find_folder("nowhere.py")
