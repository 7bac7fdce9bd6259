"""Stub."""

from collections.abc import Mapping

from tasker.bench.conversation import Executor

PEERS: Mapping[str, Executor] = {}
