"""What compositions may name, from the files and modules that a command is given."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasker.vocabulary import Vocabulary


def load_vocabulary(resources: Path | None, compositions: Sequence[Path]) -> "Vocabulary | None":
    """Load resources and compositions. None where none are given: then nothing is read.

    Raises ResourcesError or CompositionError with everything that is wrong in the files.
    """
    if resources is None and not compositions:
        return None
    from tasker import vocabulary

    return vocabulary.load_vocabulary(resources, compositions)
