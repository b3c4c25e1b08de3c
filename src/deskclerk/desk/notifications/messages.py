"""What people are told of what waits for them, and nothing that decides it.

A message goes to chats, mail and screens that render what they are sent. So it has no argument of a write,
and of what end users wrote the target's name alone: cleaned, cut, and without what such a place would act on.
"""

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deskclerk.desk.caller import Caller
from deskclerk.desk.plans.store import StoredPlan
from deskclerk.desk.time_and_ids import new_id, now
from deskclerk.desk.view.cleaning import line_of

PLAN_WAITS, JOB_PAUSES, TEST = "plan.waiting", "job.paused", "notify.test"
"""The types of messages, as webhooks name them."""
LONGEST_NAME = 120
"""Characters of a target, a client's name or a heading."""

# Brackets and stars are links, mentions and styles of Slack, Discord, Markdown and HTML.
_MARKUP = str.maketrans({"<": "(", ">": ")", "[": "(", "]": ")", "`": "'", "*": "", "|": "/", "~": "-"})
_MENTION = re.compile(r"(?<!\w)@")


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that is told once; `subject` is what it is told of, and `data` the same for programs."""

    kind: str
    subject: str
    title: str
    lines: tuple[str, ...]
    data: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The lines, as one text."""
        return "\n".join(self.lines)

    def body(self, at: int) -> bytes:
        """What a webhook is sent; `at` is in milliseconds since the epoch."""
        told = {"type": self.kind, "timestamp": _iso(at), "data": {**self.data, "text": self.text}}
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def of_plan(stored: StoredPlan, console: str | None, page: str | None = None) -> Message:
    """What waits, for whom it is asked, until when, and where a person signs it.

    `page` is the plan's own page where people sign in by name: there, and in no terminal.
    """
    plan = stored.plan
    heading, target = harmless(plan.heading), harmless(plan.target)
    approve, reject = f"deskclerk approve {plan.id}", f"deskclerk reject {plan.id}"
    lines = [f"{heading} on {harmless(plan.instance)}"]
    lines += [f"Target: {target}"] if target else []
    lines += [f"Writes: {plan.job.count}"] if plan.job else []
    lines += [
        f"Asked by: {_who(stored.caller)}",
        f"Can be signed until {_clock(plan.expires_at)}.",
    ]
    if page:
        lines += [f"To read it, and to sign or decline it, sign in: {page}"]
    else:
        lines += [
            f"To read and sign it, in a terminal: {approve}",
            f"To decline it for good: {reject}",
            *_console_lines(console),
        ]
    return Message(
        PLAN_WAITS,
        plan.id,
        f"Waits for a signature: {heading}",
        tuple(lines),
        {
            "plan": plan.id,
            "action": plan.action,
            "heading": heading,
            "effect": str(plan.effect),
            "instance": harmless(plan.instance),
            "target": target or None,
            "writes": plan.job.count if plan.job else 1,
            "job": plan.job.id if plan.job else None,
            "asked_by": _asker(stored.caller),
            "created_at": _iso(stored.created_at),
            "expires_at": _iso(plan.expires_at),
            **({"page": page} if page else {"commands": {"approve": approve, "reject": reject}}),
            "console": console,
        },
    )


@dataclass(frozen=True, slots=True)
class PausedJob:
    """A job that has paused by itself; `run` tells its pauses apart."""

    id: str
    run: int
    title: str
    reason: str
    total: int | None
    counts: Mapping[str, int]
    caller: Caller


def of_job(job: PausedJob, instance: str, console: str | None, page: str | None = None) -> Message:
    """Which job asks, why it paused, how far it is, and how it goes on; `page` is its own, as of a plan."""
    title, reason = harmless(job.title), _rule_of(job.reason)
    show, resume, cancel = (f"deskclerk jobs {verb} {job.id}" for verb in ("show", "resume", "cancel"))
    counts = {name: count for name, count in job.counts.items() if count}
    so_far = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
    lines = [
        f"{title} on {harmless(instance)}",
        f"It paused: {reason}",
        f"Of {job.total}: {so_far or 'nothing yet'}" if job.total else "So far: nothing is counted",
        f"Asked by: {_who(job.caller)}",
    ]
    if page:
        lines += [f"To look at it, and to let it go on or end it, sign in: {page}"]
    else:
        lines += [
            f"To look at it, in a terminal: {show}",
            f"To let it go on: {resume}",
            f"To end it: {cancel}",
            *_console_lines(console),
        ]
    commands = {"show": show, "resume": resume, "cancel": cancel}
    return Message(
        JOB_PAUSES,
        f"{job.id}.{job.run}",
        f"Paused and asks: {title}",
        tuple(lines),
        {
            "job": job.id,
            "heading": title,
            "instance": harmless(instance),
            "reason": reason,
            "total": job.total,
            "counts": counts,
            "asked_by": _asker(job.caller),
            **({"page": page} if page else {"commands": commands}),
            "console": console,
        },
    )


def of_test(instance: str) -> Message:
    """That messages arrive here."""
    lines = (
        f"This is a test of deskclerk's notifications, for the {harmless(instance)}.",
        "Nothing waits for you.",
    )
    return Message(TEST, new_id("test"), "A test of deskclerk", lines, {"instance": harmless(instance)})


def harmless(text: str) -> str:
    """A text on one line, cut, in which no chat or mail program finds a link, a mention or markup."""
    plain = line_of(text, LONGEST_NAME).translate(_MARKUP)
    return _MENTION.sub("(at)", plain).replace("://", "[:]//")


def _rule_of(reason: str) -> str:
    """Why a job paused, without what Clerk or an end user said: that stands behind a colon."""
    return harmless(reason.partition(":")[0] or "it could not go on")


def _console_lines(console: str | None) -> list[str]:
    # The bare address: whoever opens it has to sign in there, by a link of `deskclerk console`.
    return [f"Or in the console, if you are signed in: {console}"] if console else []


def _asker(caller: Caller) -> dict[str, str]:
    found = {"face": caller.face, "client": caller.client, "token": caller.token}
    return {name: harmless(value) for name, value in found.items() if value}


def _who(caller: Caller) -> str:
    return harmless(", ".join(part for part in (caller.client, caller.token, caller.face) if part))


def _iso(milliseconds: int) -> str:
    moment = dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _clock(milliseconds: int) -> str:
    moment = dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC)
    minutes = max(0, round((milliseconds - now()) / 60_000))
    return f"{moment:%Y-%m-%d %H:%M} UTC ({minutes} min)"
