"""Exports: whole lists of Clerk's in files, page by page, going on where a kill left them.

A page's lines are on the disk before the job's progress says so, and what is behind the progress is cut off
when a run begins: no item is lost or doubled. Lists change while they are read. Where a list is read on is
told by what was given last and not by its place alone, so that whatever is there throughout is given once,
however much is made and deleted meanwhile.

CSV is for spreadsheets, which carry out a cell that begins like a formula: text that begins with =, +, - or @
gets a ' before it, phone numbers too. Several values of one column are joined by |. JSON lines are exact.
"""

import asyncio
import contextlib
import csv
import difflib
import io
import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO

from deskclerk.catalogue import (
    Action,
    Answers,
    ListAllowlist,
    ListBlocklist,
    ListInvitations,
    ListOrganizations,
    ListOrgInvitations,
    ListOrgMemberships,
    ListSessions,
    ListUsers,
)
from deskclerk.clerk.paging import MOST, REMEMBERED, page_of
from deskclerk.desk.jobs.job import BY_A_PERSON, CANCEL, CANCELLED, DONE, PAUSE, PAUSED, Job
from deskclerk.desk.jobs.running import Tools
from deskclerk.desk.jobs.store import LostJobError
from deskclerk.desk.journal.process_locks import claimed
from deskclerk.desk.view.answers import compact, project
from deskclerk.desk.view.cleaning import line_of, without_secrets
from deskclerk.errors import ClerkError, InvalidRequest, NotFound, RateLimited
from deskclerk.system.private_files import make_private_folder, open_private, sync, sync_folder
from deskclerk.system.private_files import replace as replace_file

EVERYTHING = "everything"
FORMATS = ("ndjson", "csv")

_PAGE = MOST
_OVERLAP = 20
"""Items that are read again, to see that nothing before them has gone: fewer deletions cost no request."""
_AT_ONCE = 16
"""Lists of parents that are read side by side; most of them are short."""
_LOOK_SECONDS = 0.5
"""Between two looks at what a person wants, while Clerk has us wait."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes a formula of a cell; the last four are the wide forms, which some spreadsheets take too."""
_OWN = frozenset({"limit", "offset", "order_by", "starting_after", "paginated", "fields"})
"""Arguments of lists that an export sets itself."""
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Exported:
    """A list that can be exported, and how it is read on."""

    lister: type[Action]
    in_time_order: bool = False
    """Clerk gives it by `created_at` when asked to. Elsewhere the ids that were given tell what is old."""
    since: bool = False
    """It can be asked for from a moment on, so that no offset counts through all of it."""
    parents: str = ""
    """What it is a list of each of, by its name here; `parent` is the parameter that names one."""
    parent: str = ""
    alone: frozenset[str] = frozenset()
    """Filters with which it is one list, without going through the parents."""

    def action(self, where: Mapping[str, Any]) -> Action:
        """The list with these filters, the parent left open; InvalidRequest if they are none of its own."""
        if mine := sorted(_OWN & where.keys()):
            problem = f"{', '.join(mine)}: not for exports, which read all pages in an order of their own"
            raise _invalid("where", problem)
        unnamed = {self.parent: "any"} if self.parent in self.lister.spec.route.names else {}
        return self.lister.parse({**unnamed, **where})


_OF_ORGANIZATIONS: dict[str, Any] = {
    "parents": "organizations",
    "parent": "organization_id",
    "alone": frozenset({"organization_id"}),
}

EXPORTS: Mapping[str, Exported] = {
    "users": Exported(ListUsers, in_time_order=True, since=True),
    "organizations": Exported(ListOrganizations, in_time_order=True),
    # Clerk filters these by when the user was made: which of the two times orders them nobody says.
    "memberships": Exported(ListOrgMemberships, **_OF_ORGANIZATIONS),
    "invitations": Exported(ListInvitations, in_time_order=True),
    "org-invitations": Exported(ListOrgInvitations, in_time_order=True, **_OF_ORGANIZATIONS),
    "sessions": Exported(
        ListSessions, parents="users", parent="user_id", alone=frozenset({"user_id", "client_id"})
    ),
    "allowlist": Exported(ListAllowlist),
    "blocklist": Exported(ListBlocklist),
}
"""What can be exported, as it is called on the command line; EVERYTHING is all of these."""


def check_export(
    what: str,
    where: Mapping[str, Any] | None = None,
    file_format: str = "ndjson",
    fields: Sequence[str] | None = None,
) -> None:
    """InvalidRequest, with what is accepted, unless this can be exported so."""
    names = (*EXPORTS, EVERYTHING)
    if what not in names:
        near = difflib.get_close_matches(what.lower().replace("_", "-"), names, n=2, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise _invalid("what", f"nothing of this name can be exported{hint} (accepted: {', '.join(names)})")
    if file_format not in FORMATS:
        raise _invalid("format", f"accepted: {', '.join(FORMATS)}")
    if what == EVERYTHING and (where or fields is not None):
        raise _invalid("where" if where else "fields", f"goes with one list, not with {EVERYTHING}")
    if fields is not None and (not fields or not all(path and all(path.split(".")) for path in fields)):
        raise _invalid("fields", "accepted: keys such as id, or paths such as email_addresses.email_address")
    if what != EVERYTHING:
        EXPORTS[what].action(where or {})


def discard(job: Job) -> None:
    """Remove what an export has written so far of a file that it did not finish; what is finished stays."""
    target = _Target.of(job)
    if "source" in job.progress and job.progress["source"] < len(target.names):
        target.part(job.progress["source"]).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Target:
    """Which lists go to which files."""

    names: tuple[str, ...]
    place: Path
    file_format: str

    @classmethod
    def of(cls, job: Job) -> "_Target":
        what = job.options["what"]
        names = tuple(EXPORTS) if what == EVERYTHING else (what,)
        return cls(names, Path(job.options["file"]), job.options.get("format", FORMATS[0]))

    def file(self, source: int) -> Path:
        return self.place / f"{self.names[source]}.{self.file_format}" if len(self.names) > 1 else self.place

    def part(self, source: int) -> Path:
        file = self.file(source)
        return file.with_name(f"{file.name}.part")


class _StopError(Exception):
    """The export cannot go on; why, and what a person can do."""


class Export:
    """One run of an export job, part by part.

    `stopping` ends the part under way early, `idle` says that it has.
    """

    def __init__(self, job: Job, owner: str, tools: Tools) -> None:
        self.job = job
        self.owner = owner
        self.stopping = False
        self.idle = asyncio.Event()
        self.idle.set()
        self._tools = tools
        self._target = _Target.of(job)
        self._where: Mapping[str, Any] = job.options.get("where") or {}
        self._progress = dict(job.progress)
        self._file: BinaryIO | None = None
        self._hold_until = 0.0

    async def part(self, seconds: float) -> tuple[str, str | None] | None:
        """Go on for about so long; the status that the job ends with and why, None if it goes on.

        LostJobError if another run has the job by now.
        """
        until = monotonic() + seconds
        self.idle.clear()
        try:
            return await self._locked_part(until)
        finally:
            self.idle.set()

    async def _locked_part(self, until: float) -> tuple[str, str | None] | None:
        # A run that was given up for dead may be writing still: never two of them in one file.
        async with claimed(self._tools.journal.locks(), f"export-{self.job.id}") as mine:
            if not mine:
                await self._wanted()
                await asyncio.sleep(min(max(0.0, until - monotonic()), _LOOK_SECONDS))
                return None
            try:
                return await self._part(until)
            except _StopError as error:
                return PAUSED, str(error)
            finally:
                # Before the lock is given back.
                self._close()

    async def _part(self, until: float) -> tuple[str, str | None] | None:
        while True:
            # First of all whose job it is: who has lost it must not touch the file either.
            wanted = await self._wanted()
            if self._progress.get("source") == len(self._target.names):
                return DONE, None
            if wanted == CANCEL:
                self._close()
                discard(replace(self.job, progress=self._progress))
                return CANCELLED, None
            if wanted == PAUSE:
                return PAUSED, BY_A_PERSON
            if self.stopping or monotonic() >= until:
                return None
            if (left := min(self._hold_until, until) - monotonic()) > 0:
                await asyncio.sleep(min(left, _LOOK_SECONDS))
            elif "source" not in self._progress:
                with _on_disk(self._target.place):
                    self._check_free()
                await self._note(source=0, cursor={}, offset=0, written=0)
            elif self._progress["cursor"].get("end"):
                self._close()
                with _on_disk(self._target.place):
                    self._finish()
                await self._note(source=self._progress["source"] + 1, cursor={}, offset=0)
            else:
                with _on_disk(self._target.place):
                    file = self._open()
                try:
                    items, cursor = await self._step()
                except RateLimited as error:
                    self._hold_until = monotonic() + (error.retry_after or 1.0)
                    continue
                except (ClerkError, InvalidRequest) as error:
                    return PAUSED, f"Clerk could not be read: {line_of(error.message, _LONGEST_REASON)}"
                await self._write(file, items, cursor)

    async def _wanted(self) -> str:
        wanted, owner = await self._tools.store.wanted(self.job.id)
        if owner != self.owner:
            raise LostJobError(self.job.id)
        return wanted

    async def _note(self, **changes: Any) -> None:
        progress = {**self._progress, **changes}
        await self._tools.store.progress(self.job.id, self.owner, progress)
        self._progress = progress

    # The file.

    def _check_free(self) -> None:
        """An export writes over nothing; of its own files there is none yet."""
        target = self._target
        for source in range(len(target.names)):
            file, part = target.file(source), target.part(source)
            if os.path.lexists(file):
                raise _taken(file)
            if part.exists() and part.stat().st_size:
                why = f"{part} exists already: another export writes it, or has left it behind."
                raise _StopError(f"{why} Move it away if no job needs it, then let the job go on.")

    def _open(self) -> BinaryIO:
        """The file of the list under way, cut to what the progress tells of."""
        if self._file:
            return self._file
        part, offset = self._target.part(self._progress["source"]), self._progress["offset"]
        file: BinaryIO
        if not offset:
            # Nothing of it counts yet; a new one is nobody's link, and private from its first moment.
            if not part.parent.exists():
                make_private_folder(part.parent)
            part.unlink(missing_ok=True)
            file = open(part, "xb", opener=lambda _, flags: open_private(part, flags))  # noqa: SIM115
        else:
            self._check_whole(part)
            file = part.open("r+b")
        self._file = file
        file.truncate(offset)
        file.seek(offset)
        return file

    def _check_whole(self, part: Path) -> None:
        offset = self._progress["offset"]
        there = part.stat().st_size if part.exists() else None
        if there is None or there < offset:
            found = "is gone" if there is None else f"has {there} bytes"
            why = f"{part} {found}, of {offset} bytes that were written."
            raise _StopError(f"{why} Put it back and let the job go on, or cancel the job and export anew.")

    async def _write(
        self, file: BinaryIO, items: Sequence[Mapping[str, Any]], cursor: dict[str, Any]
    ) -> None:
        """Put items into the file, then note that they are there."""
        progress, (first, line) = self._progress, self._form()
        data = b"".join(([] if progress["offset"] else [first]) + [line(item) for item in items])
        with _on_disk(self._target.place):
            file.write(data)
            file.flush()
            sync(file.fileno())
        await self._note(
            cursor=cursor, offset=progress["offset"] + len(data), written=progress["written"] + len(items)
        )

    def _finish(self) -> None:
        """Give the file its name; the job may have been killed when that was done and not noted yet."""
        source, offset = self._progress["source"], self._progress["offset"]
        file, part = self._target.file(source), self._target.part(source)
        if not part.exists() and file.exists() and file.stat().st_size == offset:
            return
        self._check_whole(part)
        try:
            # A link fails where the name is taken; a rename would silently replace what is there.
            os.link(part, file)
        except FileExistsError:
            if not file.samefile(part):
                raise _taken(file) from None
        except OSError:  # a file system without links
            replace_file(part, file)
        part.unlink(missing_ok=True)
        sync_folder(file.parent)

    def _close(self) -> None:
        file, self._file = self._file, None
        if file:
            # What a full disk did not take is tried again when closing, and was told of before.
            with contextlib.suppress(OSError):
                file.close()

    def _form(self) -> tuple[bytes, Callable[[Mapping[str, Any]], bytes]]:
        """What stands first in the file of the list under way, and the line of an item."""
        fields: Sequence[str] | None = self.job.options.get("fields")
        if self._target.file_format == "csv":
            columns = fields or self._exported.lister.spec.resource.brief
            return _csv_line(columns), lambda item: _csv_row(item, columns)
        return b"", lambda item: _json_line(item, fields)

    # What comes into it.

    @property
    def _exported(self) -> Exported:
        return EXPORTS[self._target.names[self._progress["source"]]]

    async def _step(self) -> tuple[list[Any], dict[str, Any]]:
        """The next items, and the cursor behind them."""
        exported, cursor = self._exported, self._progress["cursor"]
        action = exported.action(self._where)
        by_parents = bool(exported.parents) and not (exported.alone & self._where.keys())
        if "total" not in self._progress:
            one_list = len(self._target.names) == 1 and not by_parents
            self._progress["total"] = await self._count(action) if one_list else None
        if not by_parents:
            items, place, ended = await self._page(exported, action, cursor.get("list", {}))
            return items, {"end": True} if ended else {"list": place}
        queue: list[str] = cursor.get("queue", [])
        if queue:
            return await self._of_parents(exported, action, cursor, queue)
        if cursor.get("all_parents"):
            return [], {"end": True}
        parents = EXPORTS[exported.parents]
        found, place, ended = await self._page(parents, parents.action({}), cursor.get("parents", {}))
        return [], {"parents": place, "all_parents": ended, "queue": [parent["id"] for parent in found]}

    async def _of_parents(
        self, exported: Exported, action: Action, cursor: Mapping[str, Any], queue: list[str]
    ) -> tuple[list[Any], dict[str, Any]]:
        """The items of some parents, up to the first whose list is longer than what came."""

        async def first_page(parent: str, place: Mapping[str, Any]) -> _Read:
            try:
                return await self._page(exported, action.model_copy(update={exported.parent: parent}), place)
            except NotFound:
                # Deleted since it was listed, and its own with it.
                return [], {}, True

        group = queue[:_AT_ONCE]
        places = [cursor.get("list", {}), *({} for _ in group[1:])]
        # All of them end, whatever comes of one: nothing is under way when this part is over.
        read = await asyncio.gather(*map(first_page, group, places), return_exceptions=True)
        found: list[Any] = []
        for number, page in enumerate(read):
            if isinstance(page, BaseException):
                raise page
            items, place, ended = page
            found += items
            if not ended:
                return found, {**cursor, "queue": queue[number:], "list": place}
        return found, {**cursor, "queue": queue[len(group) :], "list": {}}

    async def _page(self, exported: Exported, action: Action, place: Mapping[str, Any]) -> "_Read":
        """What follows in a list, the place behind it, and whether that is the end.

        A place holds the time `at` of the last item given, the `ids` that tell what else was given (those of
        that very time in a list by time, elsewhere the last REMEMBERED), and the `offset` behind it.
        """
        clerk = await self._tools.clerk()
        if not action.spec.paged:
            return page_of(await clerk.perform(action)).items, {}, True
        at, given = place.get("at"), set(place.get("ids", ()))
        asked: dict[str, Any] = {"limit": _PAGE}
        if "order_by" in action.parameters():
            # Ascending: what is made meanwhile comes behind what was given.
            asked["order_by"] = "created_at"
        if exported.since and at:
            # The last moment again: others that were made in it may not have been on the page.
            asked["created_at_after"] = max(at - 1, getattr(action, "created_at_after", None) or 0)

        def is_old(item: Mapping[str, Any]) -> bool:
            before = exported.in_time_order and at is not None and item["created_at"] < at
            return before or item["id"] in given

        offset = max(0, place.get("offset", 0) - min(_OVERLAP, _PAGE // 2))
        while True:
            items = page_of(await clerk.perform(action.model_copy(update={**asked, "offset": offset}))).items
            if exported.in_time_order:
                _check_order(items)
            if not offset or (items and is_old(items[0])):
                break
            # What was given has gone, and what follows has moved up: back to where something given stands.
            offset = max(0, offset - _PAGE)
        fresh = [item for item in items if not is_old(item)]
        ended = len(items) < _PAGE
        ids: Iterable[str] = place.get("ids", ())
        last, offset = at, offset + len(items)
        if exported.in_time_order and fresh:
            last = fresh[-1]["created_at"]
            if last != at:
                ids = ()
                # From that moment on the list begins anew.
                offset = sum(item["created_at"] == last for item in items) if exported.since else offset
        new = (item["id"] for item in fresh if not exported.in_time_order or item["created_at"] == last)
        return fresh, {"at": last, "ids": [*ids, *new][-REMEMBERED:], "offset": offset}, ended

    async def _count(self, action: Action) -> int | None:
        """How many there are now; None where Clerk does not say."""
        clerk, route = await self._tools.clerk(), action.spec.counted_at
        if not action.spec.paged:
            return None
        if route is None:
            return page_of(await clerk.perform(action.model_copy(update={"limit": 1}))).total
        request = replace(action.request_to(route), answers=Answers("total_count"))
        answer = await clerk.send(request, name=action.spec.name)
        total = answer.get("total_count") if isinstance(answer, Mapping) else None
        return total if isinstance(total, int) else None


_Read = tuple[list[Any], dict[str, Any], bool]


def _check_order(items: Sequence[Mapping[str, Any]]) -> None:
    """What came in another order would be lost without a word, taken for old."""
    times = [time for item in items if isinstance(time := item.get("created_at"), int)]
    if len(times) < len(items) or times != sorted(times):
        raise _StopError(
            "Clerk gives this list in another order than it was asked for: it cannot be exported."
        )


@contextlib.contextmanager
def _on_disk(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = f"{error.filename or place} cannot be written: {error.strerror or type(error).__name__}."
        raise _StopError(f"{why} Mend that, then let the job go on.") from None


def _taken(file: Path) -> _StopError:
    return _StopError(
        f"{file} exists already. Move it away and let the job go on, or export to another name."
    )


def _invalid(argument: str, problem: str) -> InvalidRequest:
    return InvalidRequest(
        f"{argument}: {problem}.", problems=[(argument, problem)], next_step="Nothing was exported."
    )


def _json_line(item: Mapping[str, Any], fields: Collection[str] | None) -> bytes:
    shown = without_secrets(dict(item))
    if fields is not None:
        shown = project(shown, fields)
    try:
        return f"{compact(shown)}\n".encode()
    except UnicodeEncodeError:
        # Half a surrogate pair is JSON, and no UTF-8.
        return f"{json.dumps(shown, separators=(',', ':'))}\n".encode()


def _csv_row(item: Mapping[str, Any], columns: Iterable[str]) -> bytes:
    shown = without_secrets(dict(item))
    return _csv_line([_at(shown, path) for path in columns])


def _csv_line(values: Iterable[Any]) -> bytes:
    text = io.StringIO()
    # With "\r" among its line ends, the writer also quotes a cell that has only that.
    csv.writer(text, lineterminator="\r\n").writerow([_cell(value) for value in values])
    return f"{text.getvalue()[:-2]}\n".encode(errors="replace")


def _cell(value: Any) -> str:
    """Text as it is, but no formula; numbers and whatever is nested as JSON, nothing for null."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else compact(value)


def _at(value: Any, path: str) -> Any:
    """What a path leads to; through a list of objects, their values joined by |."""
    if isinstance(value, list):
        return "|".join(_text(_at(part, path)) for part in value if isinstance(part, Mapping))
    if not isinstance(value, Mapping):
        return None
    head, _, rest = path.partition(".")
    return _at(value.get(head), rest) if rest else value.get(head)
