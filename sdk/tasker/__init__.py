"""Tasker: a durable workflow engine that lives in PostgreSQL.

What is imported from here is loaded when it is first used, so that a command which only prints its help stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasker.batches import BatchFailure, BatchResults, Slice, slices
    from tasker.client import Client, Submission
    from tasker.context import StepContext
    from tasker.decorators import StepHandler, handler
    from tasker.errors import (
        ConflictError,
        ContractError,
        DatabaseUnavailable,
        DefinitionError,
        EventTimedOut,
        InvalidInputError,
        InvalidStateError,
        NotAllowedError,
        NotFoundError,
        NotInstalledError,
        PermanentError,
        RetryableError,
        TaskCancelled,
        TaskerError,
        TaskFailed,
        TemplateError,
    )
    from tasker.handle import TaskHandle
    from tasker.policy import Retry
    from tasker.sync_client import SyncClient, SyncTaskHandle
    from tasker.worker import Worker
    from tasker.workflow import Workflow
    from tasker.yaml_template import load_templates

__all__ = [
    "BatchFailure",
    "BatchResults",
    "Client",
    "ConflictError",
    "ContractError",
    "DatabaseUnavailable",
    "DefinitionError",
    "EventTimedOut",
    "InvalidInputError",
    "InvalidStateError",
    "NotAllowedError",
    "NotFoundError",
    "NotInstalledError",
    "PermanentError",
    "Retry",
    "RetryableError",
    "Slice",
    "StepContext",
    "StepHandler",
    "Submission",
    "SyncClient",
    "SyncTaskHandle",
    "TaskCancelled",
    "TaskFailed",
    "TaskHandle",
    "TaskerError",
    "TemplateError",
    "Worker",
    "Workflow",
    "handler",
    "load_templates",
    "slices",
]

_MODULES = {
    "BatchFailure": "batches",
    "BatchResults": "batches",
    "Client": "client",
    "Retry": "policy",
    "Slice": "batches",
    "StepContext": "context",
    "StepHandler": "decorators",
    "Submission": "client",
    "SyncClient": "sync_client",
    "SyncTaskHandle": "sync_client",
    "TaskHandle": "handle",
    "Worker": "worker",
    "Workflow": "workflow",
    "handler": "decorators",
    "load_templates": "yaml_template",
    "slices": "batches",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'tasker' has no attribute {name!r}")
    return getattr(importlib.import_module(f"tasker.{_MODULES.get(name, 'errors')}"), name)
