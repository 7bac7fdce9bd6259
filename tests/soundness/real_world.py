"""A real outside for programs made by chance: an HTTP server that answers as it likes, tables, and the files of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import psycopg
from tests.soundness.cases import Case
from tests.soundness.shapes import Shape, closed, satisfy, spoil

from tasker_grammar.resources import Resources

WHOLE: Shape = {"type": "integer"}
TEXT: Shape = {"type": "string"}
ORDER = closed(
    {"id": WHOLE, "name": TEXT, "status": {"enum": ["late", "open", "paid"]}, "total": WHOLE}
)
ANSWERS: Mapping[str, Shape] = {
    "order": ORDER,
    "orders": {"type": "array", "items": ORDER, "maxItems": 4},
    "totals": {"type": "array", "items": WHOLE},
}
ROWS: Mapping[str, Shape] = {
    "ledger": closed(
        {"id": WHOLE, "total": WHOLE, "note": {"type": ["string", "null"]}}, frozenset({"note"})
    ),
    "board": closed({"id": TEXT, "status": {"enum": ["late", "open", "paid"]}, "count": WHOLE}),
}
TABLES = """
    create table ledger (id bigint primary key, total bigint not null, note text);
    create table board (id text primary key, status text not null, count bigint not null);
    create table writing (place text not null, by xid8 not null default pg_current_xact_id());
    create function note() returns trigger language plpgsql as
        $$ begin insert into writing (place) values (tg_table_name); return null; end $$;
    create trigger note before insert or update on ledger for each statement execute function note();
    create trigger note before insert or update on board for each statement execute function note();
"""


def make_known(host: str) -> Resources:
    """The resources, with the server on this host and port."""
    endpoint = {"base_url": f"http://{host}", "private_hosts": [host]}
    params = closed({"id": WHOLE})
    return Resources.model_validate(
        {
            "endpoints": {
                name: {**endpoint, "path": f"/{name}", "params": params, "result": shape}
                for name, shape in ANSWERS.items()
            },
            "tables": {name: {"table": name, "row": row, "key": ["id"]} for name, row in ROWS.items()},
            "events": {
                "noted": {"payload": closed({"id": WHOLE, "text": TEXT})},
                "counted": {"payload": closed({"count": WHOLE})},
            },
            "schemas": {"order": ORDER, "line": closed({"name": TEXT, "total": WHOLE})},
        }
    )  # fmt: skip


@contextmanager
def answering(seed: int) -> Iterator[str]:
    """A server that answers by chance: mostly as the contract says, else with what breaks it, or with an error."""
    chance, lock = Random(seed), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with lock:
                status, body = _answer(chance, ANSWERS[urlsplit(self.path).path[1:]])
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(chance: Random, shape: Shape) -> tuple[int, bytes]:
    value = satisfy(chance, shape)
    match chance.random():
        case low if low < 0.06:
            return 503, b"{}"
        case low if low < 0.1:
            return 200, json.dumps(value).encode()[:-1]
        case low if low < 0.15:
            value = spoil(chance, value)
        case _:
            pass
    return 200, json.dumps(value).encode()


def write_files(folder: Path, resources: Resources, cases: Sequence[Case]) -> list[str]:
    """A template for each case, its compositions and the resources, as files; and what a worker is told of them."""
    files: dict[str, Any] = {"resources.json": resources.model_dump(mode="json", by_alias=True)}
    for case in cases:
        whole = case.as_composition()
        for each in (whole, *case.library.values()):
            files[f"compositions/{each.name}.json"] = each.model_dump(
                mode="json", by_alias=True, exclude_unset=True
            )
        files[f"templates/{whole.name}.yaml"] = {
            "name": whole.name,
            "namespace_name": "soundness",
            "version": "1.0.0",
            "input_schema": case.input,
            "steps": [
                {
                    "name": "it",
                    "composition": whole.name,
                    "retry": {"max_attempts": 60, "backoff": "none"},
                }
            ],
        }
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(content))
    return [
        "--templates", str(folder / "templates"), "--resources", str(folder / "resources.json"),
        "--compositions", str(folder / "compositions"),
    ]  # fmt: skip


def make_tables(database: psycopg.Connection[Any]) -> None:
    """The tables, which note each write to them with its transaction."""
    database.execute(TABLES)
