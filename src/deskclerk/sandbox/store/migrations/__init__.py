"""Alembic revisions of the sandbox's database; a file is named after its revision."""
