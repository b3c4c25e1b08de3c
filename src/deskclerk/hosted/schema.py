"""The tables of a hosted desk that are no desk's own."""

from sqlalchemy import MetaData

metadata = MetaData()
