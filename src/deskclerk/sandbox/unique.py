"""What is unique, kept so by the database: two requests at once cannot both pass a look beforehand."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from deskclerk.sandbox.refusals import Refusal


@contextmanager
def unique_or(refused: Refusal) -> Iterator[None]:
    """Raise `refused` when a unique index objects; the call's transaction ends with it."""
    try:
        yield
    except IntegrityError as error:
        # "UNIQUE constraint failed" of SQLite, "violates unique constraint" of PostgreSQL.
        if "unique constraint" not in str(error.orig).lower():
            raise
        raise refused from None
