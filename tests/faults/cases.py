"""One action before one fault: what was told, what happened, and what the journal says of it."""

import asyncio
import contextlib
import shutil
import time
from dataclasses import dataclass
from typing import Any

import httpx2
import stamina

from deskclerk.catalogue import ACTIONS, BY_NAME, READ
from deskclerk.desk import Desk
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.errors import DeskclerkError, OutcomeUnknown
from deskclerk.sandbox import open_sandbox
from deskclerk.settings import Settings
from tests.faults.faulty_clerk import API, FaultyClerk
from tests.journeys.writes import (
    ARGUMENTS,
    World,
    approve,
    client_id,
    domain_id,
    member,
    organization,
    session,
    somebody,
    template_id,
)

KEY = "sk_test_" + "f4u1t" * 8
TIMEOUT, RETRY, LARGEST = 0.6, 0.7, 2**16
"""Seconds for one request, seconds for all tries, and bytes of one answer."""
UNHURRIED = 5.0
"""Seconds for one request where the fault is answered at once: no busy machine makes a time-out of it."""
MOST_SECONDS = 6.0
"""What no fault may take longer than, with all that is read back behind it."""


async def _nothing(_at):
    return {}


async def _of_somebody(at):
    return {**await somebody(at), "limit": 5}


READS = {
    "clerk_users_list": _nothing,
    "clerk_user_get": somebody,
    "clerk_organizations_list": _nothing,
    "clerk_organization_get": organization,
    "clerk_org_memberships_list": organization,
    "clerk_org_membership_get": member,
    "clerk_org_invitations_list": organization,
    "clerk_sessions_list": _of_somebody,
    "clerk_session_get": session,
    "clerk_invitations_list": _nothing,
    "clerk_allowlists_list": _nothing,
    "clerk_blocklists_list": _nothing,
    "clerk_jwt_templates_list": _nothing,
    "clerk_jwt_template_get": template_id,
    "clerk_domains_list": _nothing,
    "clerk_domain_get": domain_id,
    "clerk_clients_list": _nothing,
    "clerk_client_get": client_id,
}
MAKES = ARGUMENTS | READS
assert set(MAKES) == {action.spec.name for action in ACTIONS}


@dataclass
class Case:
    """How one action ended: its answer, or its error."""

    action: Any
    clerk: FaultyClerk
    answer: Any
    error: DeskclerkError | None
    entry: dict[str, Any]
    seconds: float
    home: Any

    @property
    def told(self) -> str:
        """What the asker is told, in a word."""
        return self.error.kind if self.error else "done"

    @property
    def happened(self) -> bool:
        """Whether the sandbox carried a write out."""
        return bool(self.clerk.carried)


@contextlib.asynccontextmanager
async def prepared(seeded, folder):
    """A sandbox with the company in it, and a desk beside it that makes what the action needs."""
    home = folder / "beside"
    home.mkdir()
    shutil.copy(seeded, home / "sandbox.db")
    async with (
        open_sandbox(home / "sandbox.db", seed=False) as sandbox,
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=sandbox.app),
            base_url="http://sandbox/v1",
            headers={"authorization": f"Bearer {sandbox.key}", **API},
        ) as http,
        Desk.open(Settings(home=home), approver=approve) as desk,
    ):
        yield World(desk, http), sandbox


async def run(name, fault, at, sandbox, folder, *, seconds=TIMEOUT):
    """The action before the fault, on a desk of its own that reaches the sandbox over a socket."""
    kind = BY_NAME[name]
    arguments = await MAKES[name](at)
    methods = ("GET",) if kind.spec.effect is READ else ("POST", "PATCH", "PUT", "DELETE")
    clerk = FaultyClerk(sandbox, fault, methods)
    async with clerk.serving():
        settings = Settings(
            home=folder,
            secret_key=KEY,
            api_url=clerk.origin,
            confirm="never",
            timeout=seconds,
            retry_seconds=seconds - TIMEOUT + RETRY,
            largest_answer=LARGEST,
        )
        answer, error = None, None
        began = time.monotonic()
        looked_at = not kind.spec.creates or {"user_id", "organization_id"} & arguments.keys()
        if fault.__name__ == "connection_refused" and (kind.spec.effect is READ or not looked_at):
            clerk.refuse_connections()  # else the server does so, once the target has been read
        with stamina.set_testing(True, attempts=3, cap=True):
            async with Desk.open(settings) as desk:
                try:
                    async with asyncio.timeout(MOST_SECONDS):
                        answer = await desk.perform(kind.parse(arguments))
                except DeskclerkError as failure:
                    error = failure
                seconds = time.monotonic() - began
                (entry,) = await desk.journal.entries(EntryFilter(action=name), limit=1)
    return Case(kind, clerk, answer, error, entry, seconds, folder)


def check(case):
    """What holds of every action before every fault."""
    error = case.error
    if case.action.spec.effect is READ:
        assert case.clerk.carried == []
        assert case.entry["outcome"] == case.told
    elif error is None:
        assert case.happened, "told as done, and was not carried out"
        assert case.entry["outcome"] == "done"
    elif isinstance(error, OutcomeUnknown):
        assert case.entry["outcome"] == "unknown"
    else:
        assert not case.happened, f"told as {error.kind}, and was carried out"
        assert case.entry["outcome"] in (error.kind, "not_done")
    assert len(case.clerk.carried) == len(set(case.clerk.carried)), "carried out twice"
    if error:
        assert error.next_step
        assert len(str(error)) < 4_000
    assert case.seconds < MOST_SECONDS
    if case.clerk.fault.__name__ in ("a_body_without_end", "gzip_that_unpacks_to_100_mb"):
        # Told by its length: had it been read, it would have been no JSON, or not in time.
        said = error.message if error else " ".join(case.answer.notes)
        assert "longer than" in said or "reading" in said.lower()
    assert case.clerk.keys == {f"Bearer {KEY}"} or not case.clerk.keys
    said = f"{error!r} {error} {error.as_dict() if error else ''} {case.answer}"
    assert KEY not in said
    for file in case.home.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes()
