"""Arguments for the actions, made from Clerk's document: what it takes, and what it does not."""

import functools
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from deskclerk.catalogue import BY_NAME
from tests.contract.differences import clerks_facts

Facts = dict[str, Any]

TEXTS = st.characters(codec="utf-8", exclude_characters="\0")
"""Clerk's document does not name U+0000; no action takes it, since PostgreSQL keeps no such text."""
MOMENTS = (10**11, 2 * 10**12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(TEXTS, max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(TEXTS, max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)
IDS = st.from_regex(r"[a-z]{2,6}_[0-9A-Za-z]{27}", fullmatch=True)


@functools.cache
def sendable(name: str) -> dict[str, Facts]:
    """The document's facts about the parameters of an action which it sends."""
    ours = BY_NAME[name].parameters()
    own = {key: {"where": "local", "type": "string"} for key in ours if key.endswith("_id")}
    facts = own | clerks_facts(name)
    return {key: facts[key] | narrowed(name, key) for key in ours if key in facts}


def narrowed(name: str, key: str) -> Facts:
    """The one filter that an action takes as a single id."""
    if (name, key) == ("clerk_org_membership_get", "user_id"):
        return {"type": "string", "items": None, "an id": True}
    return {}


def required(name: str) -> list[str]:
    """The parameters that have to be given."""
    return [key for key, item in BY_NAME[name].parameters().items() if item.required]


def example(key: str, facts: Facts) -> Any:
    """One value that the document allows."""
    if "enum" in facts:
        return facts["enum"][0]
    if facts["type"] == "array":
        items = dict(facts["items"])
        return ["verified", "reserved"] if "enum" in items else [f"{key}_1", f"{key}_2"]
    if facts["type"] == "string":
        return text_example(key, facts)
    if facts["type"] == "integer" and is_moment(key):
        return 1700690400000
    return {"integer": facts.get("minimum", 1), "boolean": True, "object": {"plan": "pro"}}[facts["type"]]


def text_example(key: str, facts: Facts) -> str:
    """One text that the document allows."""
    if is_moment(key):
        return "2026-01-31T09:30:00.000Z"
    return f"-{facts['sorts'][0]}" if facts.get("sorts") else f"some_{key}"


def is_moment(key: str) -> bool:
    """Whether a parameter is a time: the document says so in sentences only."""
    return key.endswith(("_at", "_at_before", "_at_after", "_at_since"))


def minimal(name: str) -> dict[str, Any]:
    """The least that an action takes."""
    facts = sendable(name)
    return tidy(name, {key: example(key, facts[key]) for key in required(name)})


def full(name: str, without: str = "") -> dict[str, Any]:
    """Every parameter at once, as far as they go together; `without` one."""
    facts = sendable(name)
    return tidy(name, {key: example(key, facts[key]) for key in facts if key != without})


def one_by_one(name: str) -> Iterator[dict[str, Any]]:
    """The least, with each further parameter, and with null where the document takes null."""
    for key, facts in sendable(name).items():
        yield tidy(name, minimal(name) | {key: example(key, facts)})
        if facts.get("nullable"):
            yield tidy(name, minimal(name) | {key: None})


@functools.cache
def drawn(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Any arguments that the document allows."""
    facts, must = sendable(name), required(name)
    optional = {key: values(key, facts[key]) for key in facts if key not in must}
    return st.fixed_dictionaries({key: values(key, facts[key]) for key in must}, optional=optional).map(
        lambda arguments: tidy(name, arguments)
    )


def values(key: str, facts: Facts) -> st.SearchStrategy[Any]:
    """The values of one parameter that the document allows."""
    return (st.none() if facts.get("nullable") else st.nothing()) | some_values(key, facts)


def some_values(key: str, facts: Facts) -> st.SearchStrategy[Any]:
    """The values other than null."""
    if "enum" in facts:
        return st.sampled_from(facts["enum"])
    if facts["where"] in ("path", "local") or facts.get("an id"):
        return IDS
    if is_moment(key):
        return moments(facts)
    match facts["type"]:
        case "array":
            items = (
                st.sampled_from(["verified", "reserved"])
                if "enum" in dict(facts["items"])
                else st.text(TEXTS)
            )
            return st.lists(items, max_size=3)
        case "integer":
            return st.integers(facts.get("minimum"), facts.get("maximum"))
        case "boolean":
            return st.booleans()
        case "object":
            return st.dictionaries(st.text(TEXTS, max_size=8), JSON, max_size=3)
    return texts(facts)


def texts(facts: Facts) -> st.SearchStrategy[str]:
    """Texts within the bounds; an order by its listed names."""
    if facts.get("sorts"):
        return st.tuples(st.sampled_from(["", "+", "-"]), st.sampled_from(facts["sorts"])).map("".join)
    return st.text(
        TEXTS, min_size=max(1, facts.get("minLength", 1)), max_size=min(20, facts.get("maxLength", 20))
    )


def moments(facts: Facts) -> st.SearchStrategy[Any]:
    """Times as the parameter takes them: milliseconds, or RFC 3339 text."""
    if facts["type"] == "integer":
        return st.integers(*MOMENTS)
    return st.datetimes().map(lambda moment: f"{moment.isoformat()}Z")


def tidy(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The same arguments, with what Clerk's rules between parameters exclude taken out."""
    tidied = dict(arguments)
    if name == "clerk_users_list":
        tidy_users(tidied)
    if name == "clerk_user_create":
        tidy_statuses(tidied)
    if name.startswith("clerk_jwt_template") and tidied.get("custom_signing_key"):
        tidied |= {"signing_algorithm": "HS256", "signing_key": "a key"}
    free = [key for key, facts in sendable(name).items() if facts["where"] in ("body", "metadata")]
    if name.endswith("_update") and not tidied.keys() & set(free):
        tidied[free[0]] = example(free[0], sendable(name)[free[0]])
    return tidied


def tidy_users(arguments: dict[str, Any]) -> None:
    """A cursor excludes an offset and another order; a provider comes with its user ids."""
    if "starting_after" in arguments:
        arguments.pop("offset", None)
        arguments.pop("order_by", None)
    if not {"provider", "provider_user_id"} <= arguments.keys():
        arguments.pop("provider", None)
        arguments.pop("provider_user_id", None)


def tidy_statuses(arguments: dict[str, Any]) -> None:
    """One status for each address."""
    for kind in ("email_address", "phone_number"):
        statuses = f"{kind}_identification_status"
        if statuses in arguments:
            arguments[statuses] = ["reserved"] * len(arguments.get(kind, []))


def refused(key: str, facts: Facts) -> Iterator[Any]:
    """Values that neither the document nor the ledger allows for a parameter."""
    kind = "moment" if is_moment(key) else facts["type"]
    yield from {
        "moment": ["soon", "2026-13-01", 1.5, -1, True, [], 1700690400],
        "string": [7, True, ["text"], {}],
        "integer": ["many", 1.5, True, []],
        "boolean": ["true", 0, []],
        "array": ["text", {"0": "text"}, [7], [None]],
        "object": ["text", [], 7],
    }[kind]
    if not facts.get("nullable"):
        yield None
    yield from beyond(facts)


def beyond(facts: Facts) -> Iterator[Any]:
    """Values of the right type that are out of bounds."""
    if "minimum" in facts:
        yield facts["minimum"] - 1
    if "maximum" in facts:
        yield facts["maximum"] + 1
    if "maxLength" in facts:
        yield "x" * (facts["maxLength"] + 1)
    if facts.get("maxItems"):
        yield ["x"] * (facts["maxItems"] + 1)
    if facts.get("sorts"):
        yield from ("favourite_colour", "--created_at", "")
    if "enum" in facts and facts["type"] == "string":
        yield "something_else"
    if "enum" in dict(facts.get("items") or ()):
        yield ["something_else"]
