"""Temporal's own server, started on the measured PostgreSQL. Touches the database, processes, files and ports."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

__all__ = ["running_server"]

_PLUGIN = "postgres12_pgx"
_SCHEMA = "postgresql/v12/temporal"
_SERVICES = ("frontend", "matching", "history", "worker")
# Raised far above what two cores reach, so that none of its limits is what is measured.
_LIMITS = (
    "frontend.rps",
    "frontend.namespaceRPS",
    "frontend.namespaceCount",
    "frontend.persistenceMaxQPS",
    "history.rps",
    "history.persistenceMaxQPS",
    "matching.rps",
    "matching.persistenceMaxQPS",
)


@contextmanager
def running_server(
    conninfo: str, programs: tuple[Path, Path], *, shards: int, connections: int
) -> Generator[str]:
    """Make its tables in the database, start it (`programs`: server, sql tool), and give its address.

    What it lists workflows by, its visibility store, is SQLite in its memory: on PostgreSQL that needs btree_gin, which
    not every server has.
    """
    server, tool = programs
    _make_tables(tool, conninfo)
    ports = _free_ports(2 * len(_SERVICES))
    with tempfile.TemporaryDirectory() as folder:
        configuration, limits = Path(folder) / "server.yaml", Path(folder) / "limits.yaml"
        limits.write_text(json.dumps({key: [{"value": 1_000_000}] for key in _LIMITS}))
        made = _configuration(conninfo, ports, limits, shards, connections)
        configuration.write_text(json.dumps(made))
        command = [server, "--config-file", configuration, "--allow-no-auth", "start"]
        with subprocess.Popen(command, stdout=sys.stderr) as process:
            try:
                yield f"127.0.0.1:{ports[0]}"
            finally:
                process.terminate()


def _make_tables(tool: Path, conninfo: str) -> None:
    parts = _address(conninfo)
    command = [tool, "--plugin", _PLUGIN, "--endpoint", parts["host"], "--port", parts["port"]]
    command += ["--user", parts["user"], "--password", parts["password"]]
    command += ["--database", parts["database"]]
    if parts["attributes"]:
        command += ["--connect-attributes", "host=" + parts["attributes"]["host"]]
    for verb in (["setup-schema", "-v", "0.0"], ["update-schema", "-s", _SCHEMA]):
        done = subprocess.run([*command, *verb], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"Temporal's tables were not made: {done.stderr[-500:]}")


def _address(conninfo: str) -> dict[str, Any]:
    """A conninfo as Temporal takes it: the folder of a socket is an attribute, beside an address that is not used."""
    parts = {key: str(value) for key, value in conninfo_to_dict(conninfo).items()}
    host = parts.get("host", "localhost")
    folder = host.startswith("/")
    return {
        "host": "localhost" if folder else host,
        "port": parts.get("port", "5432"),
        "user": parts.get("user", "postgres"),
        "password": parts.get("password", "none"),
        "database": parts["dbname"],
        "attributes": {"host": host} if folder else {},
    }


def _configuration(
    conninfo: str, ports: list[int], limits: Path, shards: int, connections: int
) -> dict[str, Any]:
    parts = _address(conninfo)
    store = {
        "pluginName": _PLUGIN,
        "databaseName": parts["database"],
        "connectAddr": f"{parts['host']}:{parts['port']}",
        "connectProtocol": "tcp",
        "connectAttributes": parts["attributes"],
        "user": parts["user"],
        "password": parts["password"],
        "maxConns": connections,
        "maxIdleConns": connections,
        "maxConnLifetime": "1h",
    }
    visibility = {
        "pluginName": "sqlite",
        "databaseName": "default",
        "connectAddr": "localhost",
        "connectProtocol": "tcp",
        "connectAttributes": {"mode": "memory", "cache": "private"},
        "maxConns": 1,
        "maxIdleConns": 1,
        "maxConnLifetime": "1h",
    }

    def service(no: int) -> dict[str, Any]:
        return {
            "rpc": {
                "grpcPort": ports[2 * no],
                "membershipPort": ports[2 * no + 1],
                "bindOnLocalHost": True,
            }
        }

    return {
        "log": {"stdout": True, "level": "error"},
        "persistence": {
            "defaultStore": "default",
            "visibilityStore": "visibility",
            "numHistoryShards": shards,
            "datastores": {"default": {"sql": store}, "visibility": {"sql": visibility}},
        },
        "global": {"membership": {"maxJoinDuration": "30s", "broadcastAddress": "127.0.0.1"}},
        "services": {name: service(no) for no, name in enumerate(_SERVICES)},
        "clusterMetadata": {
            "enableGlobalNamespace": False,
            "failoverVersionIncrement": 10,
            "masterClusterName": "active",
            "currentClusterName": "active",
            "clusterInformation": {
                "active": {
                    "enabled": True,
                    "initialFailoverVersion": 1,
                    "rpcName": "frontend",
                    "rpcAddress": f"127.0.0.1:{ports[0]}",
                }
            },
        },
        "dcRedirectionPolicy": {"policy": "noop"},
        "dynamicConfigClient": {"filepath": str(limits), "pollInterval": "60s"},
    }


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, below the 32,768 that its table of members holds."""
    found: list[int] = []
    for port in random.sample(range(10_000, 32_768), 1_000):
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError(f"there are no {count} free ports here")
