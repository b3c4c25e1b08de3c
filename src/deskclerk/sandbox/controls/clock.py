"""The sandbox's time: set it, advance it, stop it. Expiries follow it."""

from typing import Any

from deskclerk.sandbox.controls.arguments import Duration, Given, Moment, iso, wrong
from deskclerk.sandbox.ids import EARLIEST, LATEST
from deskclerk.sandbox.store.state import Time, touch
from deskclerk.sandbox.store.store import Store


class Nothing(Given):
    """Takes nothing."""


class SetClock(Given):
    """The time that it is to be; a stopped clock stays stopped."""

    to: Moment


class AdvanceClock(Given):
    """By how much; a minus sets it back."""

    by: Duration


class FreezeClock(Given):
    """When to stop it; now if not given."""

    at: Moment | None = None


async def read_clock(store: Store, given: Nothing) -> dict[str, Any]:
    """The sandbox's time, and how it differs from the machine's."""
    return _told((await store.state()).time, store.clock.now())


async def set_clock(store: Store, given: SetClock) -> dict[str, Any]:
    """Make it another time; it runs on from there unless it is frozen."""
    return await _change(store, lambda time, machine: _moved(time, given.to - time.at(machine)), "to")


async def advance_clock(store: Store, given: AdvanceClock) -> dict[str, Any]:
    """Let time pass at once."""
    return await _change(store, lambda time, _: _moved(time, given.by), "by")


async def freeze_clock(store: Store, given: FreezeClock) -> dict[str, Any]:
    """Stop the clock."""

    def frozen(time: Time, machine: int) -> Time:
        return Time(time.offset, time.at(machine) if given.at is None else given.at)

    return await _change(store, frozen, "at")


async def release_clock(store: Store, given: Nothing) -> dict[str, Any]:
    """Let a stopped clock run on from where it stands."""
    return await _change(store, lambda time, machine: Time(time.at(machine) - machine, None))


async def reset_clock(store: Store, given: Nothing) -> dict[str, Any]:
    """Back to the machine's time."""
    return await _change(store, lambda _time, _machine: Time())


def _moved(time: Time, by: int) -> Time:
    if time.frozen_at is not None:
        # A stopped clock moves and stays stopped: a test that advances it wants no time to pass besides.
        return Time(time.offset, time.frozen_at + by)
    return Time(time.offset + by, None)


async def _change(store: Store, rule: Any, argument: str = "") -> dict[str, Any]:
    machine = store.clock.now()
    async with store.transaction(reads=False) as connection:
        time: Time = rule((await store.state(connection)).time, machine)
        # Before it is kept: at another time nothing could be made, since no id can tell it.
        if argument and not EARLIEST <= time.at(machine) <= LATEST:
            raise wrong(argument, f"the sandbox's time is within {iso(EARLIEST)} and {iso(LATEST)}")
        await touch(connection, clock_offset=time.offset, clock_frozen_at=time.frozen_at)
    store.emitted.set()  # retries may have come due
    return _told(time, machine)


def _told(time: Time, machine: int) -> dict[str, Any]:
    now = time.at(machine)
    return {"now": now, "iso": iso(now), "frozen": time.frozen_at is not None, "ahead": now - machine}
