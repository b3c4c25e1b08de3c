"""What is true of a write unless its entry says otherwise: by its verb, as far as its resource can be read.

A write is looked at through its resource's `get` or `list`; what it changes are the fields of the same name.
What its verb means (create, update, delete, revoke, or a switch of one field) decides what proves that it
happened and what takes it back. Of any other write the desk says honestly that it cannot take it back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from deskclerk.catalogue import DESTRUCTIVE, Action, Parameter, sibling
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import MOST, Page, page_of
from deskclerk.desk.consequences import evidence
from deskclerk.desk.consequences.changes import Change, Switch, changes_of, is_so_already
from deskclerk.desk.consequences.evidence import Finding
from deskclerk.desk.consequences.inverse import (
    Event,
    Inverse,
    has_mark,
    ids_of,
    left_by,
    nothing,
    same,
    seen_before,
)
from deskclerk.desk.consequences.restoring import Restoring
from deskclerk.desk.consequences.targets import (
    first_that,
    lister_of,
    parties,
    read,
    target_now,
    target_of,
    wants,
)
from deskclerk.desk.journal.records import UNKNOWN
from deskclerk.errors import ClerkError

Values = Mapping[str, Any]
FindReach = Callable[[Action, Values, Clerk], Awaitable[list[str]]]
"""Reads how far a write on a target reaches: sentences, one for each thing that it touches."""

SumReach = Callable[[frozenset[str], Clerk, int], Awaitable[list[str]]]
"""Reads what writes on all these targets touch in sum, with at most so many requests: sentences."""

_REACH_SECONDS = 8.0
"""A person waits for the preview: what takes longer is left out of it, and the preview says so."""
_FINAL = "This cannot be taken back."
_NO_WAY_BACK = "deskclerk cannot take this back."


class Consequences:
    """What the desk knows of one action; an entry is a subclass, declared with `of=` the action.

    The methods follow a write through the desk: looked at, shown, found out about, taken back.
    """

    entries: ClassVar[dict[type[Action], type["Consequences"]]] = {}
    """The declared ones, by their action."""

    switches: ClassVar[Switch | None] = None
    """The field that the write sets without being told to, and its value afterwards."""
    undone_by: ClassVar[type[Action] | None] = None
    """The action that takes this one back, where a single one does."""
    keeps: ClassVar[str] = ""
    """What stays as the write left it although it is taken back."""
    lost: ClassVar[str] = ""
    """What is gone for good after a write that cannot be taken back, in a sentence."""
    person_adds: ClassVar[tuple[str, ...]] = ()
    """What only a person can add when it is taken back: a secret, or that an e-mail may go out."""
    known_by: ClassVar[str] = ""
    """The field that tells a thing from others of its kind; left out, what its creation requires."""
    reach: ClassVar[Sequence[tuple[str, FindReach]]] = ()
    """What is read for the preview beyond the target: what it is about, and how."""
    reach_in_sum: ClassVar[Sequence[tuple[str, SumReach]]] = ()
    """The same for the write on many targets together."""

    def __init_subclass__(cls, *, of: type[Action] | None = None) -> None:
        super().__init_subclass__()
        if of:
            Consequences.entries[of] = cls

    def __init__(self, action: type[Action]) -> None:
        self.action = action

    # Before it: what is shown to whoever signs.

    async def targets(self, action: Action, clerk: Clerk) -> list[dict[str, Any]]:
        """What is there of the things that the write names, the target first; NotFound if it is not there."""
        return await target_of(action, clerk)

    def changes(self, action: Action, seen: Sequence[Values]) -> tuple[Change, ...]:
        """Old → new, for what was seen of the target."""
        return changes_of(action, seen[0] if seen else None, self.switches)

    async def reaches(self, action: Action, seen: Sequence[Values], clerk: Clerk) -> tuple[str, ...]:
        """What else the write touches, one sentence each; empty where it touches its target alone.

        A read that fails says so in the preview and keeps nobody from deciding.
        """
        target = seen[0] if seen else {}
        already = ("it is so already: this changes nothing",) if is_so_already(self.switches, target) else ()
        # At once: a preview with four reads should take as long as the slowest of them.
        found = await asyncio.gather(
            *(_tried(what, find, action, target, clerk) for what, find in self.reach)
        )
        return (*already, *(line for lines in found for line in lines))

    async def reaches_in_sum(self, ids: frozenset[str], clerk: Clerk, requests: int) -> tuple[str, ...]:
        """What the write touches on all of these targets together, one sentence each."""
        lines: list[str] = []
        for what, find in self.reach_in_sum:
            try:
                lines += await find(ids, clerk, requests)
            except (ClerkError, TypeError, AttributeError):
                lines.append(f"{what}: could not be read")
        return tuple(lines)

    def is_so_already(self, action: Action, seen: Sequence[Values]) -> bool:
        """Whether the write would change nothing of what was seen."""
        del action
        return bool(seen) and is_so_already(self.switches, seen[0])

    def reversible(self, action: Action) -> str:
        """Whether the write can be taken back, and how, in one sentence for whoever decides."""
        if self.lost:
            return f"{_FINAL} {self.lost}"
        back = self.way_back()
        if action.spec.effect is DESTRUCTIVE:
            # Another id is another thing to every program that kept the old one.
            return f"{_FINAL} {back.spec.heading} can make it anew, with another id." if back else _FINAL
        if back is None:
            return _NO_WAY_BACK
        kept = self.kept(action)
        return f"Can be taken back with {back.spec.heading}{f'; {kept}' if kept else ''}."

    def way_back(self) -> type[Action] | None:
        """The action that takes the write back; None if none is known."""
        return self.undone_by

    def kept(self, action: Action) -> str:
        """What stays although it is taken back, for these arguments."""
        del action
        return self.keeps

    def known_fields(self, creator: type[Action]) -> tuple[str, ...]:
        """The fields by which a thing is known again: the entry's, else the texts that its creation requires.

        Empty where an answer does not show all that is required: the rest alone might fit another thing.
        """
        if self.known_by:
            return (self.known_by,)
        required = [item for item in creator.parameters().values() if item.required and item.where == "body"]
        shown = all(item.name in creator.spec.resource.brief for item in required)
        texts = all(item.schema.get("type") == "string" for item in required)
        return tuple(item.name for item in required) if shown and texts else ()

    # After a lost answer: what Clerk's present state proves.

    async def evidence(self, intent: Event, clerk: Clerk) -> Finding:
        """What reading Clerk says about a journalled intent; ClerkError if it cannot be read."""
        target, whole = await target_now(self.action, intent["arguments"], clerk)
        before = intent["before"][0] if intent["before"] else None
        if target is None and not whole:
            return Finding(
                UNKNOWN, "Clerk does not let it be read, so whether this was done cannot be known."
            )
        if target is None:
            return Finding(
                UNKNOWN, "The target is not there any more; whether this was done first cannot be known."
            )
        if before is None:
            return Finding(
                UNKNOWN, "What was there before is not known, so what is there now proves nothing."
            )
        if self.switches:
            return evidence.switched(*self.switches, before, target)
        return evidence.updated(self.action, intent["arguments"], before, target)

    # Taking it back: the target as it is now, and what leads back from there.

    async def current(self, intent: Event, outcome: Event, clerk: Clerk) -> dict[str, Any] | None:
        """The target now; of a removed thing, the one that has taken its place. None if there is none."""
        del outcome
        return (await target_now(self.action, intent["arguments"], clerk))[0]

    def inverse(
        self, intent: Event, outcome: Event, current: dict[str, Any] | None, given: Values
    ) -> Inverse:
        """What takes a done write back, worked out without I/O.

        `given` holds what only a person can add: `notify`, and secrets as `secret:NAME`.
        """
        del intent, outcome, current, given
        return nothing(_NO_WAY_BACK)


@dataclass(frozen=True, slots=True)
class Search:
    """Where something that was created is looked for, what is asked, and what fits."""

    lister: type[Action]
    filters: Values
    fits: Callable[[Values], bool]


class Creation(Consequences):
    """A write that makes something: proved by the one thing that fits, taken back by removing it."""

    lost_with_answer: ClassVar[str] = ""
    """What Clerk says once, in the answer, in a sentence."""
    remains: ClassVar[str] = ""
    """What is not as before although it is removed, in a sentence."""

    async def targets(self, action: Action, clerk: Clerk) -> list[dict[str, Any]]:
        """The user and the organization that the new thing is about, where it names them."""
        return await parties(action, clerk)

    def changes(self, action: Action, seen: Sequence[Values]) -> tuple[Change, ...]:
        """Every argument is new; what was seen is somebody else's."""
        del seen
        return changes_of(action, None, None)

    def way_back(self) -> type[Action] | None:
        """What removes it: what the entry names, else the resource's own deletion or revocation."""
        return self.undone_by or sibling(self.action, "delete") or sibling(self.action, "revoke")

    def search(self, asked: Values) -> Search | None:
        """How to look for what was to be made; None if nothing tells it from others."""
        fields = self.known_fields(self.action)
        lister = sibling(self.action, "list")
        if lister is None or not fields or not all(asked.get(name) for name in (*fields, *wants(lister))):
            return None
        path = {name: asked.get(name) for name in wants(lister)}
        tests = [same_text(name, asked[name]) for name in fields]
        return Search(lister, path, lambda item: all(fits(item) for fits in tests))

    async def evidence(self, intent: Event, clerk: Clerk) -> Finding:
        """Whether exactly one thing that fits was made since the intent."""
        search = self.search(intent["arguments"])
        if search is None:
            return Finding(
                UNKNOWN, "Nothing that was given tells it apart from others, so it cannot be looked for."
            )
        limit = {"limit": MOST} if "limit" in search.lister.parameters() else {}
        page = page_of(await clerk.perform(search.lister.parse({**search.filters, **limit})))
        matches = [item for item in page.items if search.fits(item)]
        return evidence.created(intent, matches, whole=len(page.items) < MOST, lost=self.lost_with_answer)

    async def current(self, intent: Event, outcome: Event, clerk: Clerk) -> dict[str, Any] | None:
        """What was made, as it is now."""
        # By the id that Clerk answered: names and addresses may be somebody else's by now.
        made = left_by(outcome).get("id")
        return await self.made(made, intent["arguments"], clerk) if made else None

    async def made(self, made: str, asked: Values, clerk: Clerk) -> dict[str, Any] | None:
        """The thing of an id, by its resource's `get`, else from the list; None or NotFound without it."""
        reader = sibling(self.action, "get")
        if reader:
            # Its own id last, after those of what it is in: as they stand in the path.
            *around, own = wants(reader)
            return await read(reader, {own: made} | {name: asked[name] for name in around}, clerk)
        lister = sibling(self.action, "list")
        if lister is None or any(asked.get(name) is None for name in wants(lister)):
            # Nobody can read it; that it was made is what the journal says.
            return {"id": made}
        every = lister.parse({name: asked[name] for name in wants(lister)})
        return await first_that(every, clerk, lambda item: item.get("id") == made)

    def inverse(
        self, intent: Event, outcome: Event, current: dict[str, Any] | None, given: Values
    ) -> Inverse:
        """The action that removes what was created."""
        del given
        one, made = self.action.spec.resource.one, left_by(outcome)
        if not made.get("id"):
            return nothing(
                f"The journal does not know the id of the {one}.",
                nearest="Find it with a list, and remove it if it is there.",
            )
        if current is None:
            return nothing(f"The {one} is gone already: there is nothing to undo.")
        remover = self.way_back()
        # Asked before the remover is built: an accepted invitation is there and can still not be revoked.
        settled = self.settled_already(current)
        if settled or remover is None:
            return settled or nothing(_NO_WAY_BACK)
        ids = {name: intent["arguments"].get(name, made["id"]) for name in remover.spec.route.names}
        return Inverse(remover.parse(ids), tuple(self._notes(intent["arguments"], made, current)))

    def settled_already(self, current: Values) -> Inverse | None:
        """Why there is nothing left to remove although it is there; None if there is."""
        del current
        return None

    def sent_with_it(self, asked: Values, made: Values) -> list[str]:
        """What went out with the creation and cannot be called back, a sentence each."""
        del asked, made
        return []

    def come_of_it(self, asked: Values, current: Values) -> list[str]:
        """What has come of it since, and goes with it, a sentence each."""
        del asked, current
        return []

    def _notes(self, asked: Values, made: Values, current: Values) -> list[str]:
        known = [key for key in made if key in current and key not in _BY_ITSELF]
        changed = [key for key in known if not same(made[key], current[key])]
        since = [f"Changed since it was created: {', '.join(changed)}."] if changed else []
        remains = [self.remains] if self.remains else []
        return [*remains, *self.sent_with_it(asked, made), *since, *self.come_of_it(asked, current)]


class SeveralCreations(Creation):
    """Several things at once: each is taken back by itself."""

    def way_back(self) -> type[Action] | None:
        """None: what removes one of them takes one id."""
        return None

    def inverse(
        self, intent: Event, outcome: Event, current: dict[str, Any] | None, given: Values
    ) -> Inverse:
        """Nothing: what takes one back is named."""
        del intent, outcome, current, given
        one = super().way_back()
        how = f"Take each back by itself, with {one.spec.heading}." if one else ""
        return nothing("Several things were made at once.", nearest=how)


_BY_ITSELF = frozenset(
    {
        "object",
        "updated_at",
        "last_active_at",
        "last_sign_in_at",
        "image_url",
        "profile_image_url",
        "lockout_expires_in_seconds",
        "verification_attempts_remaining",
        "members_count",
        "pending_invitations_count",
        "url",
        "public_user_data",
        "organization",
    }
)
"""Fields that differ between two answers although nobody changed the thing."""


class Update(Consequences):
    """A write that sets fields: proved by their values, taken back to those from before."""

    clearable: ClassVar[frozenset[str]] = frozenset()
    """The fields that a null clears; elsewhere null leaves a value as it is."""
    instructions: ClassVar[frozenset[str]] = frozenset()
    """Arguments that say how to change something, and change nothing themselves."""

    def is_so_already(self, action: Action, seen: Sequence[Values]) -> bool:
        """Every field has its new value already, as far as Clerk shows them."""
        shown = [item.name for item in action.parameters().values() if item.where == "body"]
        given = [name for name in shown if name in action.model_fields_set]
        hidden = any(action.parameters()[name].secret or name in self.instructions for name in given)
        return bool(seen) and not hidden and not self.changes(action, seen)

    def reversible(self, action: Action) -> str:
        """The old values are in the journal, but for secrets, which Clerk tells nobody."""
        parameters = action.parameters().items()
        gone = [name for name, item in parameters if item.secret and name in action.model_fields_set]
        but = f", but not the old {', '.join(gone)}" if gone else ""
        return f"Can be taken back: the old values are in the journal{but}."

    def inverse(
        self, intent: Event, outcome: Event, current: dict[str, Any] | None, given: Values
    ) -> Inverse:
        """An update back to the values from before, as far as Clerk can be told them."""
        if current is None:
            one = self.action.spec.resource.one
            return nothing(f"The {one} is gone: there is nothing to put values back into.")
        if not intent.get("before"):
            return nothing("The journal does not know what was there before.")
        work = Restoring(intent, outcome, current, given, self.clearable)
        for item in self.action.parameters().values():
            if item.where == "body" and item.name not in self.instructions:
                self.restore(work, item)
        self.restore_rest(work)
        if work.values:
            action = self.action.parse(ids_of(intent) | work.values)
            return Inverse(action, tuple(work.notes), tuple(work.cannot))
        why = work.cannot or ["The values are what they were before: there is nothing to undo."]
        return nothing(*why, notes=tuple(work.notes))

    def restore(self, work: Restoring, item: Parameter) -> None:
        """Put the old value of one argument back, or say why it stays."""
        if item.secret:
            if item.name in work.asked:
                work.secret(item)
        elif item.merges:
            if item.name in work.asked:
                work.metadata(item.name)
        else:
            work.field(item.name)

    def restore_rest(self, work: Restoring) -> None:
        """What belongs to no single argument."""
        told = [name for name in work.asked if name in self.instructions]
        if told:
            work.notes.append(f"{', '.join(told)}: said how to change, and left nothing to put back.")


class StateSwitch(Consequences):
    """A write that switches one field of its target, and has an opposite that switches it back."""

    undo_note: ClassVar[str] = ""
    """What a person should know before it is switched back, in a sentence."""

    def inverse(
        self, intent: Event, outcome: Event, current: dict[str, Any] | None, given: Values
    ) -> Inverse:
        """The opposite, if the write changed the state and it still is what the write left."""
        del outcome, given
        if self.switches is None or self.undone_by is None:
            return nothing(_NO_WAY_BACK)
        one = self.action.spec.resource.one
        field, value = self.switches
        word = field if value else f"not {field}"
        if current is None:
            return nothing(f"The {one} is gone: there is nothing to undo.")
        # Taking back what changed nothing would undo somebody else's decision.
        if seen_before(intent).get(field) is value:
            return nothing(f"The {one} was {word} before already: the write changed nothing.")
        if current.get(field) is not value:
            return nothing(f"The {one} is no longer {word}: there is nothing to undo.")
        notes = (self.undo_note,) if self.undo_note else ()
        return Inverse(self.undone_by.parse(ids_of(intent)), notes)


Rebuilt = tuple[dict[str, Any], list[str], list[str]]
"""Arguments of the creation, notes, and what does not come back."""


class LostForGoodError(Exception):
    """What is needed to create a thing again is not there; the text says why."""


class Removal(Consequences):
    """A deletion or a revocation: proved by what is gone, taken back by making it anew where that helps."""

    def way_back(self) -> type[Action] | None:
        """What the entry names, else the resource's own creation, if the answer holds all that it wants."""
        return self.undone_by or (sibling(self.action, "create") if self._rebuildable() else None)

    async def evidence(self, intent: Event, clerk: Clerk) -> Finding:
        """By the status, where it has one afterwards; else by its being gone."""
        if self.switches:
            return await super().evidence(intent, clerk)
        before = intent["before"][0] if intent["before"] else None
        target, whole = await target_now(self.action, intent["arguments"], clerk)
        return evidence.deleted(before, target, whole=whole)

    async def current(self, intent: Event, outcome: Event, clerk: Clerk) -> dict[str, Any] | None:
        """What has taken its place, known by one field."""
        del outcome
        before = seen_before(intent)
        creator = self.way_back()
        fields = self.known_fields(creator) if creator else ()
        if self.lost or not fields:  # nothing takes the place of what is gone for good
            return None
        lister = lister_of(self.action)
        every = lister.parse({name: intent["arguments"][name] for name in lister.spec.route.names})
        return await first_that(
            every, clerk, lambda item: all(item.get(name) == before.get(name) for name in fields)
        )

    def inverse(
        self, intent: Event, outcome: Event, current: dict[str, Any] | None, given: Values
    ) -> Inverse:
        """The action that creates what was removed, or a refusal with what comes nearest."""
        del outcome
        one, before, creator = self.action.spec.resource.one, seen_before(intent), self.way_back()
        if creator is None:
            return nothing(_NO_WAY_BACK)
        if not before:
            return nothing(f"The journal does not know what the {one} was.")
        if current is not None:
            return nothing(f"There is such a {one} again ({current.get('id')}): there is nothing to undo.")
        try:
            arguments, notes, cannot = self.rebuilt(intent, before, given)
        except LostForGoodError as error:
            return nothing(str(error))
        if has_mark({name: value for name, value in arguments.items() if name not in given}):
            return nothing(f"The journal keeps the {one} without its secret parts: create it by hand.")
        return Inverse(creator.parse(arguments), (*notes, "It gets a new id."), tuple(cannot))

    def rebuilt(self, intent: Event, before: Values, given: Values) -> Rebuilt:
        """What makes the thing again: the creation's arguments, as far as the thing answered them."""
        del given
        creator = self.way_back()
        wanted = creator.parameters().values() if creator else ()
        # Ids from the path last: an answer names the thing itself `id`, the path names it by its role.
        known = {**before, **ids_of(intent)}
        values = {item.name: known[item.name] for item in wanted if known.get(item.name) is not None}
        missing = [item.name for item in wanted if item.required and item.name not in values]
        if missing:
            raise LostForGoodError(f"The journal does not know its {', '.join(missing)}.")
        return values, [], []

    def _rebuildable(self) -> bool:
        """Whether the resource's own creation wants nothing but what an answer shows, and no secret."""
        creator = sibling(self.action, "create")
        wanted = [item for item in creator.parameters().values() if item.required] if creator else []
        shown = {path.partition(".")[0] for path in self.action.spec.resource.brief}
        known = shown | set(self.action.spec.route.names)
        # A creation that requires nothing says nothing about what would bring the same thing back.
        return bool(wanted) and all(item.name in known and not item.secret for item in wanted)


def default_for(action: type[Action]) -> Consequences:
    """What is true of an action without an entry, by what its verb means."""
    if action.spec.creates:
        return Creation(action)
    if action.spec.verb == "bulk-create":
        return SeveralCreations(action)
    if action.spec.updates:
        return Update(action)
    if action.spec.removes:
        return Removal(action)
    return Consequences(action)


def same_text(key: str, value: Any) -> Callable[[Values], bool]:
    """Whether a thing has this value, capitals aside: Clerk keeps addresses and slugs in small letters."""
    wanted = str(value).casefold()
    return lambda item: str(item.get(key)).casefold() == wanted


def count_of(page: Page, one: str, many: str) -> str:
    """How many there are, for a reach: in all where Clerk says so, else on the page."""
    number = page.total if page.total is not None else len(page.items)
    return f"{number} {one if number == 1 else many}"


def says(sentence: str) -> FindReach:
    """A reach that is always the same, and needs no reading."""

    async def find(action: Action, target: Values, clerk: Clerk) -> list[str]:
        del action, target, clerk
        return [sentence]

    return find


async def _tried(what: str, find: FindReach, action: Action, target: Values, clerk: Clerk) -> list[str]:
    try:
        async with asyncio.timeout(_REACH_SECONDS):
            return await find(action, target, clerk)
    except (ClerkError, TimeoutError, TypeError, AttributeError):
        # The last two: an answer of another shape than Clerk's documents say.
        return [f"{what}: could not be read"]
