from xml.etree import ElementTree

import pytest
from psycopg.types.json import Jsonb
from tests.cli.samples import make_definition

YAML = """\
name: order
namespace_name: shop
version: 1.0.0
steps:
  - name: choose
    type: decision
    handler: {callable: shop.choose}
  - name: card
    handler: {callable: shop.card}
    dependencies: [choose]
  - name: invoice
    handler: {callable: shop.invoice}
    dependencies: [choose]
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "order.yaml"
    path.write_text(YAML)
    return path


def texts(svg):
    root = ElementTree.fromstring(svg)
    return {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}


def test_a_file_is_drawn_without_a_database(cli, file):
    nowhere = {"TASKER_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    svg = cli("template", "show", file, "-o", "svg", **nowhere).out
    assert {"choose", "decision", "card", "shop.invoice"} <= texts(svg)
    assert cli("template", "show", file, "-o", "mermaid", **nowhere).out.startswith("---\ntitle:")
    assert cli("template", "show", file, "-o", "dot", **nowhere).out.startswith("digraph")
    tree = [
        line.split()[:2] for line in cli("template", "show", file, "-o", "tree").out.splitlines()
    ]
    assert ["├─", "card"] in tree and ["╰─", "invoice"] in tree


def test_a_picture_is_written_to_a_file(cli, file, tmp_path):
    target = tmp_path / "order.svg"
    ran = cli("template", "show", file, "-o", "svg", "--to", target)
    assert (ran.code, ran.out) == (0, "") and str(target) in ran.err
    assert "choose" in texts(target.read_text())
    ran = cli("template", "show", file, "-o", "svg", "--to", tmp_path / "none" / "order.svg")
    assert ran.code == 2 and "cannot write" in ran.err
    ran = cli("template", "show", file, "--to", target)
    assert ran.code == 2 and "-o svg" in ran.err


def test_of_several_templates_in_a_file_no_one_picture_is_drawn(cli, file):
    file.write_text(YAML + "---\n" + YAML.replace("name: order", "name: refund"))
    ran = cli("template", "show", file, "-o", "svg")
    assert ran.code == 2 and "shop/refund" in ran.err
    assert "shop/refund" in cli("template", "show", file, "-o", "tree").out


def test_a_task_is_drawn_with_the_states_of_its_steps(cli, connection, complete_step):
    steps = make_definition()["steps"]
    steps[0]["kind"] = "decision"
    steps[3] |= {"kind": "deferred_convergence"}
    connection.execute("select tasker.register_template(%s)", [Jsonb(make_definition(steps=steps))])
    (task,) = cli("task", "submit", "shop/order", "{}", "-o", "ids").ids
    complete_step(["pay"])
    svg = cli("task", "show", task, "-o", "svg").out
    assert {"validate", "✓ complete", "◌ enqueued", "– excluded"} <= texts(svg)
    assert "shop/order 1.0.0: ● in progress" in texts(svg)
    tree = cli("task", "show", task, "-o", "tree").out
    assert any("reserve" in line and "excluded" in line for line in tree.splitlines())
    mermaid = cli("task", "show", task, "-o", "mermaid").out
    assert "n0 -.-> n" in mermaid and ":::complete" in mermaid
