"""The writes that switch one field of their target: which one, and to what."""

from collections.abc import Mapping
from typing import Any

SWITCHES: Mapping[str, tuple[str, Any]] = {
    "ban": ("banned", True),
    "unban": ("banned", False),
    "lock": ("locked", True),
    "unlock": ("locked", False),
    "revoke": ("status", "revoked"),
}
"""By an action's verb: the field, and its value afterwards."""
