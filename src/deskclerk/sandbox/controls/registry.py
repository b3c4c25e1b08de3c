"""Every control by name, and its place under `/sandbox`."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple

from deskclerk.sandbox.controls import clock, data, faults, instances, seeding, webhooks
from deskclerk.sandbox.controls.given import Given
from deskclerk.sandbox.store.store import Store

Run = Callable[[Store, Any], Coroutine[Any, Any, dict[str, Any]]]


class Control(NamedTuple):
    """One control: where it stands, what it takes, what it does."""

    method: str
    path: str
    takes: type[Given]
    run: Run


CONTROLS: Mapping[str, Control] = {
    "seed": Control("POST", "/seed", seeding.Seed, seeding.seed),
    "reset": Control("POST", "/reset", data.Reset, data.reset),
    "clock": Control("GET", "/clock", clock.Nothing, clock.read_clock),
    "clock.set": Control("POST", "/clock/set", clock.SetClock, clock.set_clock),
    "clock.advance": Control("POST", "/clock/advance", clock.AdvanceClock, clock.advance_clock),
    "clock.freeze": Control("POST", "/clock/freeze", clock.FreezeClock, clock.freeze_clock),
    "clock.release": Control("POST", "/clock/release", clock.Nothing, clock.release_clock),
    "clock.reset": Control("POST", "/clock/reset", clock.Nothing, clock.reset_clock),
    "faults": Control("GET", "/faults", clock.Nothing, faults.list_faults),
    "faults.add": Control("POST", "/faults", faults.AddFault, faults.add_fault),
    "faults.clear": Control("DELETE", "/faults", faults.ClearFaults, faults.clear_faults),
    "limits": Control("GET", "/limits", clock.Nothing, instances.read_limits),
    "limits.set": Control("PUT", "/limits", instances.SetLimits, instances.set_limits),
    "instances": Control("GET", "/instances", clock.Nothing, instances.list_instances),
    "instances.add": Control("POST", "/instances", instances.AddInstance, instances.add_new_instance),
    "instances.remove": Control(
        "DELETE", "/instances/{instance}", instances.WhichInstance, instances.remove_instance
    ),
    "webhooks": Control("GET", "/webhooks", clock.Nothing, webhooks.list_endpoints),
    "webhooks.add": Control("POST", "/webhooks", webhooks.AddEndpoint, webhooks.add_endpoint),
    "webhooks.remove": Control("DELETE", "/webhooks/{id}", webhooks.WhichEndpoint, webhooks.remove_endpoint),
    "outbox": Control("GET", "/outbox", webhooks.ListOutbox, webhooks.list_outbox),
    "outbox.replay": Control("POST", "/outbox/{id}/replay", webhooks.Replay, webhooks.replay),
}
"""Beside these `http` serves `/snapshot` and `/restore`, which carry a file."""
