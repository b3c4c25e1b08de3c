"""What a database is asked: every statement of it, whichever way it goes."""

from contextlib import contextmanager

import psycopg

from deskclerk.database.postgres import PostgresDatabase


@contextmanager
def statements(database, monkeypatch):
    """The statements within the block, as the driver is given them: text and parameters."""
    seen = []
    with monkeypatch.context() as patches:
        if isinstance(database, PostgresDatabase):
            _of_postgres(seen, patches)
        else:
            _of_sqlite(database, seen, patches)
        yield seen
        for connection in getattr(database, "_idle", ()):
            if not isinstance(database, PostgresDatabase):
                connection.driver.set_trace_callback(None)


def _of_sqlite(database, seen, patches):
    connect = database._connect

    def note(text):
        # What triggers do is told as comments; the tables behind the search index are its own affair.
        if not text.startswith("--") and "search_index_" not in text:
            seen.append((text, None))

    async def noting():
        connection = await connect()
        connection.driver.set_trace_callback(note)
        return connection

    for connection in database._idle:
        connection.driver.set_trace_callback(note)
    patches.setattr(database, "_connect", noting)


def _of_postgres(seen, patches):
    execute = psycopg.AsyncCursor.execute

    async def noting(self, query, params=None, **more):
        seen.append((query, params))
        return await execute(self, query, params, **more)

    patches.setattr(psycopg.AsyncCursor, "execute", noting)
