"""What the types that `tasker generate` writes for Python are made of. Pure."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Record"]


class Record(BaseModel):
    """Base of types that were generated from a template's schemas.

    It takes what its schema takes: a text is no number. Fields may be given by Python's names or by the schema's.
    One that was left out is `MISSING`, and is left out again when it is written.
    """

    model_config = ConfigDict(
        strict=True, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )
