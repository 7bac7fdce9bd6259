"""Tasker: a durable workflow engine that lives in PostgreSQL."""

from __future__ import annotations

from tasker.client import Client, Submission
from tasker.context import StepContext
from tasker.decorators import StepHandler, handler
from tasker.errors import (
    ConflictError,
    ContractError,
    DatabaseUnavailable,
    DefinitionError,
    InvalidInputError,
    InvalidStateError,
    NotFoundError,
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
    "Client",
    "ConflictError",
    "ContractError",
    "DatabaseUnavailable",
    "DefinitionError",
    "InvalidInputError",
    "InvalidStateError",
    "NotFoundError",
    "PermanentError",
    "Retry",
    "RetryableError",
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
]
