"""Jobs: writes on many things, or several writes in order, under one signature.

The desk answers these itself. Their routes name what they are about, and nothing of them reaches Clerk.
"""

import functools
import json
from collections.abc import Mapping
from typing import Annotated, Any

from annotated_types import MaxLen

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.fields import Id, Json, Limit, Offset, about, needed
from deskclerk.catalogue.route import GET, POST, READ, WRITE
from deskclerk.catalogue.withheld import redacted

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
        """The values without what is a secret of any action."""
        found = super().arguments()
        return found | ({"values": _without_secrets(self.values)} if self.values else {})


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
        """The steps without what is a secret of any action; one that is no JSON could be anything."""
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
def _secret_names() -> frozenset[str]:
    """What is a secret of any action, by its name."""
    declared = [*Action.__subclasses__(), *ReadAction.__subclasses__()]
    actions = [action for action in declared if hasattr(action, "spec")]
    every = (item for action in actions for item in action.parameters().values())
    return frozenset(item.name for item in every if item.secret)


def _without_secrets(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: redacted(value) if name in _secret_names() else value for name, value in values.items()}


def _step_without_secrets(text: str) -> str:
    try:
        step = json.loads(text)
    except (ValueError, RecursionError):
        return "[not JSON]"
    if not isinstance(step, dict) or not isinstance(step.get("arguments", {}), dict):
        return "[no step]"
    if "arguments" in step:
        step = step | {"arguments": _without_secrets(step["arguments"])}
    return json.dumps(step, ensure_ascii=False)
