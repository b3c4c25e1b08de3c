"""The waitlist: who asked to be let in, and what was decided."""

from typing import Annotated, Literal

from annotated_types import MaxLen, MinLen

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.fields import Id, Limit, Nullable, Offset, Part, Whole
from deskclerk.catalogue.route import DELETE, DESTRUCTIVE, GET, POST, READ, WRITE, Answers

TOOLSET = "waitlist"

WAITLIST = Resource(
    "waitlist",
    "waitlist entry",
    (
        "id",
        "email_address",
        "status",
        "is_locked",
        "created_at",
        "invitation",
    ),
)


class ListWaitlist(
    ReadAction,
    name="clerk_waitlist_list",
    resource=WAITLIST,
    route=GET("/waitlist_entries"),
    effect=READ,
    wrapped=True,
    toolset=TOOLSET,
):
    """List who waits to be let in."""

    limit: Limit | None = None
    offset: Offset | None = None
    query: str | None = None
    status: Literal["pending", "invited", "completed", "rejected"] | None = None
    order_by: str | None = None


class CreateWaitlistEntry(
    Action,
    name="clerk_waitlist_create",
    resource=WAITLIST,
    route=POST("/waitlist_entries"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Put an e-mail address on the waitlist."""

    email_address: str
    notify: Nullable[bool] = None


class WaitlistDraft(Part):
    """One entry of many."""

    email_address: str
    notify: Nullable[bool] = None


class CreateWaitlistEntries(
    Action,
    name="clerk_waitlist_bulk_create",
    titled="Create several waitlist entries",
    resource=WAITLIST,
    route=POST("/waitlist_entries/bulk"),
    effect=WRITE,
    answers=Answers("waitlist_entry", many=True),
    toolset=TOOLSET,
):
    """Put several e-mail addresses on the waitlist at once."""

    entries: Annotated[Annotated[list[WaitlistDraft], MinLen(1), MaxLen(50)], Whole()]


class InviteWaitlistEntry(
    Action,
    name="clerk_waitlist_invite",
    resource=WAITLIST,
    route=POST("/waitlist_entries/{waitlist_entry_id}/invite"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Let somebody in from the waitlist: an invitation is sent."""

    waitlist_entry_id: Id
    ignore_existing: Nullable[bool] = None


class RejectWaitlistEntry(
    Action,
    name="clerk_waitlist_reject",
    resource=WAITLIST,
    route=POST("/waitlist_entries/{waitlist_entry_id}/reject"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Refuse somebody on the waitlist; they can still be invited later."""

    waitlist_entry_id: Id


class DeleteWaitlistEntry(
    Action,
    name="clerk_waitlist_delete",
    resource=WAITLIST,
    route=DELETE("/waitlist_entries/{waitlist_entry_id}"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Take a pending entry off the waitlist."""

    waitlist_entry_id: Id
