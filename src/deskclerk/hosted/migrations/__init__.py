"""Alembic revisions of the desk's database; a file is named after its revision."""
