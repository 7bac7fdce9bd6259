"""The classes of priority, as options take them."""

from enum import StrEnum

from tasker.priority import PRIORITIES


class PriorityClass(StrEnum):
    """Which tasks' steps start before which others'."""

    lowest = "lowest"
    low = "low"
    normal = "normal"
    high = "high"
    highest = "highest"

    @property
    def number(self) -> int:
        """How the database has it: from -2 to 2."""
        return PRIORITIES.index(self.value) - 2
