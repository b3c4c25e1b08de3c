"""What a page of a workspace is, and what its handlers check."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.routing import BaseRoute

from deskclerk.errors import NotAllowed
from deskclerk.faces.hosted.access import member_of
from deskclerk.faces.hosted.site import site_of
from deskclerk.hosted.changes import JournalledChanges


@dataclass(frozen=True, slots=True)
class WorkspacePage:
    """One entry of a workspace's navigation and all that is served for it, below `/w/SLUG`."""

    title: str
    path: str
    routes: Sequence[BaseRoute]


async def note_change(request: Request, what: str) -> None:
    """Have the workspace's journal name who changed what of it."""
    member = member_of(request)
    changes = JournalledChanges(site_of(request).hosted)
    await changes.note(member.record.id, member.caller, member.how, what)


def check_owner(request: Request) -> None:
    """NotAllowed for a member who is no owner."""
    if not member_of(request).may_change:
        raise NotAllowed(
            "Only owners of the workspace do that, and you are none.",
            next_step="Nothing was changed. Ask one; the page of members says who they are.",
        )
