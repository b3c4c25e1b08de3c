"""A database of the desk's or the sandbox's: SQLite by path, SQLite or PostgreSQL by URL.

`open_database` gives a `Database`, whose transactions give a `Connection`; what is done on one is written
once for both. SQLite is asked in the thread that asks, PostgreSQL asynchronously. Both keep one rule: a
transaction holds the write lock from its beginning unless it only reads, so that what the rules look at
before they write is still so when they write.
"""

from deskclerk.database.connection import Connection, Database
from deskclerk.database.location import driver_url, open_database, shown
from deskclerk.database.migrating import current, has_schema, upgrade, version_table
from deskclerk.database.statement import Row, Statement

__all__ = [
    "Connection",
    "Database",
    "Row",
    "Statement",
    "current",
    "driver_url",
    "has_schema",
    "open_database",
    "shown",
    "upgrade",
    "version_table",
]
