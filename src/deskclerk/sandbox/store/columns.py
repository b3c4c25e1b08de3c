"""What all tables share: the metadata, and the columns that nearly every row has."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, MetaData, String

metadata = MetaData()

ID_LENGTH = 64


def id_column() -> Column[Any]:
    """A prefix and a KSUID."""
    return Column("id", String(ID_LENGTH), primary_key=True)


def instance_column() -> Column[Any]:
    """The instance that a row belongs to; deleting it deletes the row."""
    return reference("instance_id", "instances.id", nullable=False)


def reference(
    name: str, target: str, *, nullable: bool = True, ondelete: str = "CASCADE", primary_key: bool = False
) -> Column[Any]:
    """A foreign key; rows go with what they belong to."""
    key = ForeignKey(target, ondelete=ondelete)
    return Column(name, String(ID_LENGTH), key, nullable=nullable, primary_key=primary_key)


def time_column(name: str, *, nullable: bool = False) -> Column[Any]:
    """Milliseconds since the epoch."""
    return Column(name, BigInteger, nullable=nullable)


def json_column(name: str, *, nullable: bool = False) -> Column[Any]:
    """Any JSON; an absent value is SQL's NULL."""
    return Column(name, JSON(none_as_null=True), nullable=nullable)
