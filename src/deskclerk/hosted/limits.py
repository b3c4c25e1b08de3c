"""What one workspace may use of a hosted desk, so that no customer slows another down."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deskclerk.errors import InvalidRequest, LimitReached

MESSAGES_PER_MINUTE = 30


class WorkspaceLimits(BaseModel):
    """The limits of a workspace; each can be set for one workspace alone (the column `limits`)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    requests_per_minute: int = Field(default=1_200, ge=1, le=1_000_000)
    """So many at once, and as many a minute from then on, over HTTP: tools, pages and their parts."""
    open_streams: int = Field(default=100, ge=1, le=100_000)
    """Connections that stay open: pages that follow along, and streams of MCP."""
    plans_waiting: int = Field(default=500, ge=1, le=100_000)
    """Plans that wait for a signature."""
    open_jobs: int = Field(default=50, ge=1, le=10_000)
    """Jobs that are not over: planned, waiting for a signature, running or paused."""
    journal_lines: int = Field(default=10_000_000, ge=1_000)
    stored_bytes: int = Field(default=20 * 2**30, ge=2**20)
    """Of the journal and the items of jobs, by estimate."""
    messages_per_minute: int = Field(default=MESSAGES_PER_MINUTE, ge=1, le=10_000)
    """Messages that are sent to destinations; further ones wait for the next minute."""

    @classmethod
    def stored(cls, given: Mapping[str, Any]) -> Self:
        """The limits of a workspace as they are kept: what differs from those that all have.

        A name that this version does not know is left out: a newer one may have written it, while both run.
        """
        return cls(**{name: value for name, value in given.items() if name in cls.model_fields})


def read_limits(given: Mapping[str, Any]) -> dict[str, int]:
    """What differs from the limits that all have, as it is entered; InvalidRequest says what is wrong."""
    try:
        return WorkspaceLimits(**given).model_dump(exclude_defaults=True)
    except ValidationError as error:
        problems = [
            (
                ".".join(map(str, item["loc"])),
                "no limit is called so" if item["type"] == "extra_forbidden" else item["msg"],
            )
            for item in error.errors(include_url=False, include_input=False)
        ]
        told = "; ".join(f"{name}: {problem}" for name, problem in problems)
        known = ", ".join(WorkspaceLimits.model_fields)
        raise InvalidRequest(
            f"{told}.", problems=problems, next_step=f"Nothing was changed. Limits: {known}."
        ) from None


def changed_limits(stored: Mapping[str, Any], given: Mapping[str, int | None]) -> dict[str, Any]:
    """What is stored of a workspace's limits once some are set: the others stay, None takes one back.

    InvalidRequest says what is wrong with those that are given.
    """
    known = WorkspaceLimits.model_fields
    # One that goes back to what all have is checked as well: by its name.
    numbers = {
        name: known[name].default if number is None and name in known else number
        for name, number in given.items()
    }
    differs = read_limits(numbers)
    return {name: number for name, number in stored.items() if name not in given} | differs


_WHAT = {
    "requests_per_minute": ("{most:,} requests a minute", "Ask again in {wait:,} seconds."),
    "open_streams": (
        "{most:,} connections that stay open",
        "Close pages or clients that are not needed, and connect again.",
    ),
    "plans_waiting": (
        "{most:,} plans that wait for a signature",
        "A person signs or declines some of those that wait, in the console; each expires by itself.",
    ),
    "open_jobs": ("{most:,} jobs that are not over", "Cancel some, or let them end; then ask again."),
    "journal_lines": ("{most:,} lines of the journal", ""),
    "stored_bytes": ("{most:,} bytes stored", ""),
}
"""What a limit counts, and what whoever meets it can do; nothing where it is the journal that is too long."""


def reached(limit: str, most: int, *, retry_after: float | None = None) -> LimitReached:
    """The error of a workspace that has as much as it may; `retry_after` seconds end it, where time does."""
    what, step = _WHAT[limit]
    wait = max(1, -int(-(retry_after or 0) // 1))
    return LimitReached(
        f"This workspace has reached its limit of {what.format(most=most)}. Nothing was done.",
        limit=limit,
        most=most,
        retry_after=None if retry_after is None else wait,
        next_step=f"{step.format(wait=wait)} Whoever runs this desk can raise the limit."
        if step
        # How long a journal is kept is no page's to set: `deskclerk hosted keep`, then `prune`.
        else "Whoever runs this desk can raise the limit, or keep the journal for fewer days and prune it.",
    )
