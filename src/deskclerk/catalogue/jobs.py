"""Jobs: writes on many things, or several writes in order, under one signature.

The desk answers these itself. Their routes name what they are about, and nothing of them reaches Clerk.
"""

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from annotated_types import MaxLen

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.fields import Id, Json, Limit, Offset, about, needed
from deskclerk.catalogue.route import GET, POST, READ, WRITE
from deskclerk.catalogue.withheld import REDACTED, shown

JOBS = Resource("jobs", "job", ("id", "status", "title", "counts", "created_at"), object="job")

_BULK = Resource("jobs", "bulk write", JOBS.brief, object="job")
_CHANGES = Resource("jobs", "change set", JOBS.brief, object="job")
TOOLSET = "jobs"


class ProposeBulk(
    Action,
    name="clerk_bulk_propose",
    resource=_BULK,
    route=POST("/jobs/bulk"),
    effect=WRITE,
    toolset=TOOLSET,
    by_desk=True,
):
    """Carry out one write on many things under one signature: those a list finds, or ids or addresses."""

    action: str = needed("e.g. clerk_user_ban")
    values: Json | None = about("arguments that are the same for each")
    where: Json | None = about('filters of its list, e.g. {"query": "@spam.example"}')
    targets: Annotated[list[str], MaxLen(1000)] | None = about("ids, or users' addresses")

    def arguments(self) -> dict[str, Any]:
        """The values without the secrets among them."""
        found = super().arguments()
        return found | ({"values": _shown(self.action, self.values)} if self.values else {})


class ProposeChanges(
    Action,
    name="clerk_changes_propose",
    resource=_CHANGES,
    route=POST("/jobs/changes"),
    effect=WRITE,
    toolset=TOOLSET,
    by_desk=True,
):
    """Carry out different writes in order under one signature; the first that fails stops the rest."""

    steps: Annotated[list[str], MaxLen(50)] = needed(
        'each JSON: {"action": "clerk_user_ban", "arguments": {…}}; "$1.id" is the id that step 1 made'
    )

    def arguments(self) -> dict[str, Any]:
        """The steps without their secrets; one that is no JSON could be anything."""
        found = super().arguments()
        return found | {name: list(map(_step_without_secrets, texts)) for name, texts in found.items()}


class ListJobs(
    ReadAction,
    name="clerk_jobs_list",
    resource=JOBS,
    route=GET("/jobs"),
    effect=READ,
    toolset=TOOLSET,
    by_desk=True,
):
    """List jobs, newest first, with how far each has come."""

    limit: Limit | None = None
    offset: Offset | None = None


class GetJob(
    ReadAction,
    name="clerk_job_get",
    resource=JOBS,
    route=GET("/jobs/{job_id}"),
    effect=READ,
    toolset=TOOLSET,
    by_desk=True,
):
    """Look at a job: how far it has come, and what failed."""

    job_id: Id


class PauseJob(
    Action,
    name="clerk_job_pause",
    resource=JOBS,
    route=POST("/jobs/{job_id}/pause"),
    effect=WRITE,
    toolset=TOOLSET,
    by_desk=True,
):
    """Pause a job; a person lets it go on."""

    job_id: Id


class CancelJob(
    Action,
    name="clerk_job_cancel",
    resource=JOBS,
    route=POST("/jobs/{job_id}/cancel"),
    effect=WRITE,
    toolset=TOOLSET,
    by_desk=True,
):
    """End a job for good; what is done stays done."""

    job_id: Id


class ResumeJob(
    Action,
    name="clerk_job_resume",
    resource=JOBS,
    route=POST("/jobs/{job_id}/resume"),
    effect=WRITE,
    toolset="people",
    by_desk=True,
):
    """Let a paused job go on."""

    job_id: Id


class RetryJob(
    Action,
    name="clerk_job_retry",
    resource=JOBS,
    route=POST("/jobs/{job_id}/retry"),
    effect=WRITE,
    toolset="people",
    by_desk=True,
):
    """Try again what failed in a job, as a job of its own."""

    job_id: Id


class UndoJob(
    Action,
    name="clerk_job_undo",
    resource=JOBS,
    route=POST("/jobs/{job_id}/undo"),
    effect=WRITE,
    toolset="people",
    by_desk=True,
):
    """Take back what a job did, as a job of its own."""

    job_id: Id


class ExportData(
    ReadAction,
    name="clerk_export",
    resource=JOBS,
    route=POST("/jobs/export"),
    effect=READ,
    toolset="people",
    by_desk=True,
):
    """Write all there is of a kind into a file."""

    what: str
    where: Json | None = None


@functools.cache
def _kinds() -> dict[str, type[Action]]:
    """Every action by its name; asked for when there is a call, and so when all are declared."""
    return {kind.spec.name: kind for kind in _below(Action) if hasattr(kind, "spec")}


def _below(base: type[Action]) -> Iterator[type[Action]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _below(kind)


def _step_without_secrets(text: str) -> str:
    try:
        step = json.loads(text)
    except (ValueError, RecursionError):
        return "[not JSON]"
    if not isinstance(step, dict) or not isinstance(step.get("arguments", {}), dict):
        return "[no step]"
    if "arguments" in step:
        step = step | {"arguments": _shown(step.get("action"), step["arguments"])}
    return json.dumps(step, ensure_ascii=False)


def _shown(action: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments without secrets; of what is no action nobody can say which of them are."""
    kind = _kinds().get(str(action))
    return dict.fromkeys(values, REDACTED) if kind is None else shown(kind.parameters(), values)
