"""Tasker: a durable workflow engine that lives in PostgreSQL."""

from __future__ import annotations

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
from tasker.policy import Retry
from tasker.workflow import Workflow
from tasker.yaml_template import load_templates

__all__ = [
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
    "TaskCancelled",
    "TaskFailed",
    "TaskerError",
    "TemplateError",
    "Workflow",
    "handler",
    "load_templates",
]
