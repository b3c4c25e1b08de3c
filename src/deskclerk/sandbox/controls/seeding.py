"""Seeds an instance from YAML: what Clerk's API takes, with ids that tests can name; errors say where."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import Field
from starlette.responses import Response

from deskclerk.catalogue import Parameter, Route, Verb
from deskclerk.errors import InvalidRequest
from deskclerk.sandbox.controls.arguments import OfInstance, find_instance, wrong
from deskclerk.sandbox.http.admission import METADATA_HAS_ITS_OWN_ROUTE, VERSIONS
from deskclerk.sandbox.http.call import Call, Handled, Handler, Prepared, handler_of
from deskclerk.sandbox.http.errors import Refusal
from deskclerk.sandbox.http.parameters import accepted, check_body
from deskclerk.sandbox.http.routes import HANDLERS
from deskclerk.sandbox.ids import pinned_id
from deskclerk.sandbox.opening import add_company
from deskclerk.sandbox.seed.brought import BROUGHT
from deskclerk.sandbox.store.state import Instance
from deskclerk.sandbox.store.store import Store
from deskclerk.sandbox.users import sign_ups

if TYPE_CHECKING:
    from yaml import Node

Path = tuple[str | int, ...]
MOST_PEOPLE = 5_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """A value, the file that it is in, the path to it, and the line of each path where known."""

    value: Any
    file: str
    path: Path = ()
    lines: dict[Path, int] = field(default_factory=dict)

    def at(self, key: str | int) -> "Place":
        """What stands under a key or number."""
        return Place(self.value[key], self.file, (*self.path, key), self.lines)

    def __str__(self) -> str:
        line = self.lines.get(self.path)
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)
        return f"{self.file}{f':{line}' if line else ''}{': ' if where else ''}{where.removeprefix('.')}"

    def wrong(self, text: str) -> InvalidRequest:
        """What is wrong here."""
        return InvalidRequest(f"{self}: {text}.", problems=[(str(self), text)])

    def expect(self, kind: type, what: str) -> None:
        """InvalidRequest unless the value is of this type."""
        if not isinstance(self.value, kind):
            raise self.wrong(f"must be {what}")

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """A refusal by a rule of the sandbox, as one of this place."""
        try:
            yield
        except Refusal as error:
            raise self.wrong(
                "; ".join(item.long_message or item.message for item in error.problems)
            ) from None


def read_yaml(text: str, file: str) -> Place:
    """A YAML text; InvalidRequest where it is none, or a key stands twice."""
    import yaml  # noqa: PLC0415 - only who seeds needs it

    lines: dict[Path, int] = {}
    try:
        # Composed, not loaded: nodes know their lines, and show a key that stands twice.
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = _value(node, (), lines, file) if node else {}
    except yaml.YAMLError as error:
        raise InvalidRequest(f"{file} is not YAML: {' '.join(str(error).split())}") from None
    # Also for an anchor that holds itself.
    except RecursionError:
        raise InvalidRequest(f"{file}: nested too deeply.") from None
    return Place(value, file, (), lines)


def _value(node: "Node", path: Path, lines: dict[Path, int], file: str) -> Any:
    import yaml  # noqa: PLC0415 - as above

    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            here = (*path, key)
            if key in found:
                raise Place(None, file, here, {here: key_node.start_mark.line + 1}).wrong("stands here twice")
            found[key] = _value(value_node, here, lines, file)
            lines[here] = key_node.start_mark.line + 1
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, number), lines, file) for number, item in enumerate(node.value)]
    plain = yaml.SafeLoader("").construct_object(node)
    # YAML makes times of what looks like them; in JSON they are text.
    if isinstance(plain, dt.datetime):
        return (plain if plain.tzinfo else plain.replace(tzinfo=dt.UTC)).isoformat()
    return plain.isoformat() + "T00:00:00Z" if isinstance(plain, dt.date) else plain


Progress = Callable[[int, int | None], None]
"""Takes how many more people are done, and how many there will be."""


class Section(NamedTuple):
    """One list of a seed file: the route that makes its entries, and the prefix of their ids.

    What no route of Clerk's makes has a maker of its own, with what that takes.
    """

    path: str
    prefix: str
    maker: Handler | None = None
    takes: Mapping[str, Parameter] = {}

    @property
    def served(self) -> bool:
        """Whether its entries can be made."""
        return self.maker is not None or self.route in HANDLERS

    @property
    def route(self) -> Route:
        """The route that makes them."""
        return Route(Verb.POST, self.path)

    @property
    def names(self) -> tuple[str, ...]:
        """What an entry must hold for the route's path."""
        return self.route.names

    @property
    def body(self) -> Mapping[str, Parameter]:
        """What else an entry may hold."""
        return self.takes if self.maker else accepted(self.route).body_in(METADATA_HAS_ITS_OWN_ROUTE)

    @property
    def handled(self) -> Handled:
        """What makes an entry."""
        return self.maker or HANDLERS[self.route]


def _brought(name: str, prefix: str) -> Section:
    """What comes of what a user does in a browser or an app."""
    return Section("", prefix, BROUGHT[name].make, BROUGHT[name].takes)


SECTIONS: Mapping[str, Section] = {
    "allowlist_identifiers": Section("/allowlist_identifiers", "alid"),
    "blocklist_identifiers": Section("/blocklist_identifiers", "blid"),
    "users": Section("/users", "user"),
    "email_addresses": Section("/email_addresses", "idn"),
    "phone_numbers": Section("/phone_numbers", "idn"),
    "organizations": Section("/organizations", "org"),
    "memberships": Section("/organizations/{organization_id}/memberships", "orgmem"),
    "organization_domains": Section("/organizations/{organization_id}/domains", "orgdmn"),
    "organization_invitations": Section("/organizations/{organization_id}/invitations", "orginv"),
    "invitations": Section("/invitations", "inv"),
    "sessions": Section("/sessions", "sess"),
    "sign_ups": Section("/sign_ups", "sua", sign_ups.begin, sign_ups.SEEDED),
    "jwt_templates": Section("/jwt_templates", "jtmp"),
    "domains": Section("/domains", "dmn"),
    "oauth_applications": _brought("oauth_applications", "oa"),
    "redirect_urls": Section("/redirect_urls", "ru"),
    "external_accounts": _brought("external_accounts", "eac"),
    "passkeys": _brought("passkeys", "idn"),
    "trusted_devices": _brought("trusted_devices", "tdev"),
    "oauth_access_tokens": _brought("oauth_access_tokens", "oat"),
}
"""In the order in which they are made, whatever the file's."""


class Seed(OfInstance):
    """A file's text (`yaml`) or the same as `data`; the small `company` into an empty instance; `people`."""

    yaml: Annotated[str, Field(max_length=10_000_000)] | None = None
    data: dict[str, Any] | None = None
    company: bool = False
    people: Annotated[int, Field(ge=1, le=MOST_PEOPLE)] | None = None
    """How many more people, with their organizations and sessions; the same every time for one `number`."""
    number: int = 1
    file: str = "seed"
    """What errors call the text."""


async def seed(store: Store, given: Seed) -> dict[str, Any]:
    """Put it in; how many of each there are now, and no webhooks."""
    chosen = [name for name in ("yaml", "data", "company", "people") if getattr(given, name)]
    if len(chosen) != 1:
        raise wrong("seed", "one of yaml, data, company and people is needed")
    if given.people:
        return await seed_people(store, given)
    content = read_yaml(given.yaml, given.file) if given.yaml else Place(given.data or {}, given.file)
    if not given.company:
        check_keys(content)
    # Before the transaction: passwords are hashed here, and the write lock is not held meanwhile.
    prepared = await _prepared(content) if not given.company else []
    async with store.transaction(reads=False) as connection:
        state = await store.state(connection)
        instance = find_instance(state, given.instance)
        now = state.time.at(store.clock.now())
        if given.company:
            await _add_company(connection, instance, now)
            return {"seeded": {"company": 1}, "instance": instance.slug}
        seeded: dict[str, int] = {}
        for name, place, values in prepared:
            call = _call(connection, instance, now, SECTIONS[name].names, values)
            await _make(call, name, place, values.get("id"))
            seeded[name] = seeded.get(name, 0) + 1
    return {"seeded": seeded, "instance": instance.slug}


async def seed_people(store: Store, given: Seed, progress: Progress | None = None) -> dict[str, Any]:
    """A generated company; in parts, so that requests get through meanwhile and `progress` is told."""
    from deskclerk.sandbox.seed.generated import generate  # noqa: PLC0415 - only here

    people, instance = given.people or 0, find_instance(await store.state(), given.instance)
    # Generated rows go past the rules that would keep the quota.
    if instance.user_quota is not None:
        raise wrong("people", f"{instance.slug} holds at most {instance.user_quota} users")
    await generate(store, instance.id, people, seed=given.number, progress=progress)
    return {"seeded": {"users": people}, "instance": instance.slug}


async def _add_company(connection: Any, instance: Instance, now: int) -> None:
    from sqlalchemy.exc import IntegrityError  # noqa: PLC0415 - only here

    try:
        await add_company(connection, instance.id, now)
    # The company's ids are fixed: they are in the database already.
    except IntegrityError:
        raise wrong(
            "company", "goes into an empty instance, once in a sandbox; reset with company instead"
        ) from None


def served_sections() -> list[str]:
    """The sections whose entries the sandbox can make."""
    return [name for name, section in SECTIONS.items() if section.served]


def check_keys(content: Place) -> None:
    """InvalidRequest for what is unknown, with its place."""
    sections = served_sections()
    content.expect(dict, "a mapping of sections")
    for name in content.value:
        if name not in sections:
            raise content.at(name).wrong(f"no such section; accepted: {', '.join(sections)}")
        entries = content.at(name)
        entries.expect(list, "a list")
        for number in range(len(entries.value)):
            _check_entry(name, entries.at(number))


def keys_of(name: str) -> list[str]:
    """What an entry of a section may hold: its id, what the path needs, what the body takes."""
    section = SECTIONS[name]
    return ["id", *section.names, *section.body]


def _check_entry(name: str, entry: Place) -> None:
    entry.expect(dict, "a mapping")
    known = keys_of(name)
    for key in entry.value:
        if key not in known:
            raise entry.at(key).wrong(f"no such key; accepted: {', '.join(known)}")
    for key in SECTIONS[name].names:
        if not isinstance(entry.value.get(key), str):
            raise entry.wrong(f"{key} is needed")
    prefix = SECTIONS[name].prefix
    key = entry.value.get("id")
    if key is not None and (
        not isinstance(key, str) or not key.startswith(f"{prefix}_") or not key.isascii()
    ):
        raise entry.at("id").wrong(f"an id here is text that begins with {prefix}_")


async def _prepared(content: Place) -> list[tuple[str, Place, dict[str, Any]]]:
    """Every entry, its body checked and its slow work (hashing) done, in the order of the sections."""
    found = []
    for name in served_sections():
        for number in range(len(content.value.get(name, ()))):
            entry = content.at(name).at(number)
            found.append((name, entry, await _body(name, entry)))
    return found


async def _body(name: str, entry: Place) -> dict[str, Any]:
    section = SECTIONS[name]
    handler, names = section.handled, ("id", *section.names)
    body = {key: value for key, value in entry.value.items() if key not in names}
    with entry.refusing():
        check_body(body, section.body)
        if isinstance(handler, Prepared):
            body = await handler.prepare(body)
    return {**body, **{key: entry.value[key] for key in names if key in entry.value}}


def _call(
    connection: Any, instance: Instance, now: int, names: Sequence[str], values: dict[str, Any]
) -> Call:
    return Call(
        connection=connection,
        instance=instance,
        path={key: values[key] for key in names},
        query={},
        body={key: value for key, value in values.items() if key not in ("id", *names)},
        version=VERSIONS[-1],
        now=now,
        wrapped=False,
        pages=False,
    )


async def _make(call: Call, name: str, entry: Place, key: str | None) -> None:
    handler = handler_of(SECTIONS[name].handled)
    with entry.refusing(), pinned_id(SECTIONS[name].prefix, key):
        answer = await handler(call)
    if isinstance(answer, Response) and answer.status_code >= 400:  # noqa: PLR2004 - HTTP's line of errors
        raise entry.wrong(f"refused with {answer.status_code}")


__all__ = ["InvalidRequest", "Refusal", "Seed", "seed"]
