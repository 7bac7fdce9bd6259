"""Which database a command means."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasker_sql.connection import Database


def find_database(url: str | None) -> "Database":
    """Find the database named, else that of TASKER_DATABASE_URL, else start the embedded one.

    Raises DatabaseUnavailable when it does not answer.
    """
    from tasker import database

    return database.find_database(url)
