"""The sandbox's time: everything reads this one clock."""

import time


class Clock:
    """Tells the time in milliseconds since the epoch."""

    def now(self) -> int:
        """Now, in milliseconds since the epoch."""
        return time.time_ns() // 1_000_000
