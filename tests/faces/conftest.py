"""What every face's tests begin with."""

from tests.desk_database import desk_at_home, empty_desk

__all__ = ["desk_at_home", "empty_desk"]
