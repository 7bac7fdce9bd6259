"""New projects: each does what its README says, straight after it was made."""

import json
import os
import shlex
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from checks.pages import read_blocks
from tests.docs.runner import open_page, read_commands

from tasker import scaffold
from tasker.scaffold import Language, find_project_fault, make_project

PROJECTS = Path(scaffold.__file__).parent / "projects"
PAYMENT = Path(__file__).parents[2] / "examples" / "ruby" / "payment.rb"
HANDLERS = {"python": "signup.py", "ruby": "handlers.rb", "typescript": "handlers.ts"}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("language", HANDLERS)
def test_a_new_project_does_what_its_readme_says(cli, here, database, tasker_server, language):
    made = cli("init", "--lang", language, "my-shop")
    assert (made.code, made.err) == (0, ""), made.err
    project = here / "my-shop"
    readme = project / "README.md"
    dev, submit, test, *_ = [block for block in read_blocks(readme) if block.language == "console"]
    [(command, _)] = read_commands(dev)
    assert f"cd my-shop && {command}" in made.out
    environment = {
        "TASKER_DATABASE_URL": database,
        # The project's own tests make databases on the server of this one; it is not what is tried here.
        "PYTEST_ADDOPTS": f"--tasker-database-url={shlex.quote(tasker_server)}",
    }
    with open_page(project, environment) as page:
        page.run_console(test)
        [(command, ready)] = read_commands(dev)
        page.start(dev, command, ready)
        page.run_console(submit)
        handlers = project / HANDLERS[language]
        handlers.write_text(handlers.read_text().replace("was welcomed by", "was met by"))
        wait_for_restart(project / "output-0", handlers.name)
        [(command, _)] = read_commands(submit)
        said = '"ada@example.org was met by attempt 2"'
        page.run_console(replace(submit, text=f"$ {command}\n…\n{said}\n"))


def test_bundler_finds_the_library_of_a_new_project_and_asks_no_server(here):
    """The tests pass, straight after; no line of the project names a server to fetch gems from."""
    make_project(here / "shop", Language.ruby)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["ruby", "-w", "-r", "bundler/setup", "test/test_handlers.rb"],
        cwd=here / "shop",
        env={**os.environ, "PATH": path, "http_proxy": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "4 runs, 6 assertions, 0 failures" in done.stdout
    ignored = (here / "shop" / ".gitignore").read_text().splitlines()
    assert "/Gemfile.lock" in ignored  # it holds a path of this machine


@pytest.mark.parametrize("language", list(Language))
def test_no_file_names_a_server(here, language):
    for file in make_project(here / "shop", language):
        text = (here / "shop" / file).read_text()
        assert "://" not in text.replace("https://json-schema.org/", ""), (
            file
        )  # a name, which nobody asks


def test_the_files_in_ruby_are_without_warnings():
    files = [*(PROJECTS / "ruby").rglob("*.rb"), PAYMENT]
    assert len(files) == 3
    done = subprocess.run(["ruby", "-wc", *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_its_files_are_the_users_own(here):
    before = os.umask(0o027)
    try:
        files = make_project(here / "shop", Language.ruby)
    finally:
        os.umask(before)
    project = here / "shop"
    assert Path(".gitignore") in files
    assert {path.relative_to(project) for path in project.rglob("*") if path.is_file()} == set(
        files
    )
    assert stat.S_IMODE(project.stat().st_mode) == 0o750
    assert stat.S_IMODE((project / "handlers.rb").stat().st_mode) == 0o640
    assert list_names(here) == ["shop"]


@pytest.mark.parametrize("language", list(Language))
def test_the_name_is_put_everywhere(here, language):
    files = make_project(here / "true", language)
    texts = {file: (here / "true" / file).read_text() for file in files}
    assert not [file for file, text in texts.items() if scaffold.PLACEHOLDER in text]
    assert texts[Path("README.md")].startswith("# true\n")
    if language is not Language.python:
        assert 'namespace_name: "true"' in texts[Path("signup.yaml")]


def test_an_empty_folder_is_taken(cli, here):
    (here / "shop").mkdir()
    assert cli("init", "shop").code == 0
    assert (here / "shop" / "signup.py").exists()
    assert list_names(here) == ["shop"]


@pytest.mark.parametrize("kind", ["folder", "file", "link", "dangling"])
def test_what_is_there_is_left_as_it_is(cli, here, kind):
    shop = here / "shop"
    match kind:
        case "folder":
            shop.mkdir()
            (shop / "mine").touch()
        case "file":
            shop.touch()
        case "link":
            (here / "other").mkdir()
            shop.symlink_to("other")
        case _:
            shop.symlink_to("nowhere")
    before = sorted(here.rglob("*"))
    ran = cli("init", "--lang", "ruby", "shop")
    assert (ran.code, ran.out) == (4, "")
    assert "shop is there already" in ran.err
    assert sorted(here.rglob("*")) == before


@pytest.mark.parametrize(
    "name", ["", "Shop", "7up", "shop/", "../shop", "a b", "shop-", "ü", "a" * 30, "shop\n"]
)
def test_a_name_that_is_none_is_refused(cli, here, name):
    ran = cli("init", "--", name)
    assert (ran.code, ran.out) == (2, "")
    assert "names no project: it must be a lower-case letter" in ran.err
    assert list_names(here) == []


def test_names_that_are_good():
    assert [name for name in ("a", "a" * 29, "my-shop_2", "null") if find_project_fault(name)] == []


def test_a_project_that_cannot_be_written_whole_is_not_there(here, monkeypatch):
    write = Path.write_text
    calls = []

    def run_out(path, *arguments):
        calls.append(path)
        if len(calls) == 3:
            raise OSError(28, "No space left on device", str(path))
        return write(path, *arguments)

    monkeypatch.setattr(Path, "write_text", run_out)
    with pytest.raises(OSError, match="No space left"):
        make_project(here / "shop", Language.typescript)
    assert len(calls) == 3
    assert list_names(here) == []


def test_what_a_language_still_needs_is_said(cli, here, tmp_path):
    ran = cli("init", "--lang", "ruby", "shop", PATH=str(tmp_path))
    assert ran.code == 0 and (here / "shop" / "handlers.rb").exists()
    assert "need Ruby 3.1 or newer, and none is here" in ran.err


def test_a_language_that_is_none_is_refused(cli, here):
    assert cli("init", "--lang", "cobol", "shop").code == 2
    assert list_names(here) == []


def test_what_node_cannot_run_is_found_by_the_compiler_and_said(cli, here):
    """Node takes types away and translates nothing, so that an enum ends the child."""
    assert cli("init", "--lang", "typescript", "shop").code == 0
    options = json.loads((here / "shop" / "tsconfig.json").read_text())["compilerOptions"]
    assert options["erasableSyntaxOnly"] is True
    assert "no `enum`" in (here / "shop" / "README.md").read_text()


def test_where_the_parts_are_is_said(cli):
    assert (Path(cli("bridge", "path", "ruby").out.strip()) / "tasker" / "testing.rb").exists()
    assert (Path(cli("bridge", "path", "typescript").out.strip()) / "register.ts").exists()
    assert os.access(cli("bridge", "path", "node").out.strip(), os.X_OK)


def test_a_machine_without_node_is_told_what_to_install(cli, monkeypatch, tmp_path):
    monkeypatch.setattr("tasker_ffi_bridge.node.find_spec", lambda name: None)
    ran = cli("bridge", "path", "node", PATH=str(tmp_path))
    assert (ran.code, ran.out) == (1, "")
    assert "pip install 'tasker-pg[node]'" in ran.err


def wait_for_restart(log, name, seconds=60):
    deadline = time.monotonic() + seconds
    while " serves " not in log.read_text().partition(f"{name} changed, restarting")[2]:
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)  # a process outside gives no signal but its output


def list_names(folder):
    return [path.name for path in folder.iterdir()]
