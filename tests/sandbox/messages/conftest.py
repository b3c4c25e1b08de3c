"""Two instances in one database, as the tests of instances have them."""

from tests.sandbox.controls.test_instances import pair

__all__ = ["pair"]
