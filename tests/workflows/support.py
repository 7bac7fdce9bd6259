"""A stage for one of the workflows without handlers: its files, its services, its tables, and processes to kill."""

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

EXAMPLES = Path(__file__).parents[2] / "examples" / "compositions"

_spec = importlib.util.spec_from_file_location("services", EXAMPLES / "services.py")
assert _spec is not None and _spec.loader is not None
services = importlib.util.module_from_spec(_spec)
sys.modules["services"] = services
_spec.loader.exec_module(services)

_WRITTEN = """
create table written (no bigserial, name text, op text, row jsonb);
create function write_down() returns trigger language plpgsql as $$
begin
    insert into written (name, op, row) values (tg_table_name, tg_op, to_jsonb(new));
    return null;
end $$;
"""
_WATCH = (
    "create trigger written after insert or update on {} for each row execute function write_down()"
)


@dataclass
class Stage:
    """Where a workflow runs: `folder` has its files. `written` in the database has every row as it was written."""

    url: str
    folder: Path
    template: str
    services: Any
    environment: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def tasker(self, *arguments: str, code: int = 0, stdin: str | None = None) -> str:
        """What a command prints. It ends with the exit code given."""
        done = subprocess.run(
            [sys.executable, "-m", "tasker.cli", *arguments],
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, (
            f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return done.stdout

    def ask(self, *arguments: str) -> Any:
        """What a command says as JSON."""
        return json.loads(self.tasker(*arguments, "-o", "json"))

    def submit(self, **given: Any) -> str:
        """A new task's id."""
        namespace, name = self.template.split("/")
        query = "select tasker.submit_task(%s, %s, %s)::text"
        return self.one(query, namespace, name, Jsonb(given))

    def work(self) -> subprocess.Popen[bytes]:
        """Start a worker, and wait until it serves."""
        log = self.folder / f"worker-{len(self.processes)}.log"
        own = ["--compositions", "compositions"] if (self.folder / "compositions").exists() else []
        worker = self._start(
            log, "worker", "--templates", f"{self.folder.name}.yaml", "--resources", "resources.yaml", *own,
            "--lease", "2s", "--slots", "10",
        )  # fmt: skip
        wait_until(
            lambda: " serves " in log.read_text() or worker.poll() is not None, log.read_text
        )
        assert worker.poll() is None, log.read_text()
        return worker

    def orchestrate(self) -> None:
        self._start(self.folder / "orchestrator.log", "orchestrator")

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        worker.send_signal(signal.SIGKILL)
        worker.wait()

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query.encode(), parameters).fetchall()

    def one(self, query: str, *parameters: object) -> Any:
        found = self.rows(query, *parameters)
        return found[0][0] if found else None

    def wait(self, wanted: object, query: str, *parameters: object) -> None:
        """Wait until the database answers as wanted."""
        wait_until(
            lambda: self.one(query, *parameters) == wanted,
            lambda: f"{self.one(query, *parameters)}, not {wanted}: {query}\n{self.logs()}",
        )

    def wait_state(self, task: str, state: str) -> None:
        self.wait(state, "select state::text from tasker.task where task_id = %s", task)

    def wait_asked(self, path: str) -> None:
        """Wait until a service was asked for what begins so."""
        wait_until(
            lambda: any(each.startswith(path) for each in self.services.asked),
            lambda: f"{self.services.asked}\n{self.logs()}",
        )

    def question(self, task: str) -> Any:
        """What a task asks people, once it does."""
        query = "select a from tasker.list_approvals() as a where a ->> 'task_id' = %s"
        wait_until(lambda: self.one(query, task) is not None, self.logs)
        return self.one(query, task)

    def failed(self) -> dict[tuple[str, str], str]:
        """The codes of what lies in the dead letters, by task and step."""
        query = "select task_id::text, step, error ->> 'type' from tasker.dead_letter"
        return {(task, step): code for task, step, code in self.rows(query)}

    def events(self, name: str) -> dict[str, Any]:
        """The payloads of the events that were emitted under a name, by key; each was delivered once."""
        emitted = dict(
            self.rows("select key, payload from tasker.emitted_event where name = %s", name)
        )
        delivered = (
            self.rows(f"select message ->> 'key' from pgmq.q_event_{name}") if emitted else []
        )
        assert sorted(key for (key,) in delivered) == sorted(emitted)
        return emitted

    def verify(self) -> None:
        """Every invariant of every task holds, and no row was written twice."""
        query = (
            "select coalesce(json_agg(f), '[]') from tasker.task t, tasker.verify(t.task_id) as f"
        )
        assert self.one(query) == []
        query = "select name, op, row from written group by 1, 2, 3 having count(*) > 1 or op = 'UPDATE'"
        assert self.rows(query) == []

    def logs(self) -> str:
        return "\n".join(each.read_text()[-3000:] for each in self.folder.glob("*.log"))

    def _start(self, log: Path, *arguments: str) -> subprocess.Popen[bytes]:
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "tasker.cli", *arguments],
                cwd=self.folder, env=self.environment, stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.processes.append(process)
        return process


def wait_until(
    true: Callable[[], bool], explain: Callable[[], object], seconds: float = 60
) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.02)  # a process outside gives no other signal


@contextmanager
def set_stage(name: str, namespace: str, known: Any, url: str, folder: Path) -> Iterator[Stage]:
    """A copy of an example, its services on a port of their own, its tables, and an orchestrator."""
    copied = folder / name
    shutil.copytree(EXAMPLES / name, copied)
    with ExitStack() as stack:
        server = stack.enter_context(services.Services(known))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stack.callback(server.shutdown)
        resources = copied / "resources.yaml"
        resources.write_text(
            resources.read_text().replace("127.0.0.1:8700", f"127.0.0.1:{server.server_port}")
        )
        _make_tables(url, (copied / "tables.sql").read_text())
        kept = {key: value for key, value in os.environ.items() if not key.startswith("TASKER_")}
        environment = {**kept, "TASKER_DATABASE_URL": url, "COLUMNS": "200"}
        stage = Stage(url, copied, f"{namespace}/{name}", server, environment)
        stage.orchestrate()
        try:
            yield stage
        finally:
            _end(stage.processes)


def _make_tables(url: str, tables: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(tables.encode())
        connection.execute(_WRITTEN.encode())
        for name in re.findall(r"create table (\w+)", tables):
            if name != "product":
                connection.execute(_WATCH.format(name).encode())


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.kill()
    for process in processes:
        process.wait()
