"""What a person types to sign a plan: the target's id, name or address, or the name of what is made."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from deskclerk.catalogue import Action
from deskclerk.catalogue.action import REDACTED
from deskclerk.desk.clean import clean_text

SHORTEST = 3
"""A shorter word could be what a hand types without looking."""
_LONGEST = 200
_HABITS = frozenset({"yes", "true", "okay", "confirm", "approve", "approved", "sign"})
"""What is typed by habit signs nothing, even if somebody is called so."""
_NAMES = ("name", "slug", "email_address", "identifier", "username")


def words_of(action: Action, seen: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The accepted texts, the target's id first; never empty."""
    names = action.spec.route.names
    target = str(getattr(action, names[-1])) if names and action.spec.verb != "create" else None
    if target:
        found = _distinct(_names_in(seen[0] if seen else {}))
        return (target, *(word for word in found if _folded(word) != _folded(target)))
    given = action.arguments()
    made = [given.get(name) for name in _NAMES]
    texts = [text for value in made for text in (value if isinstance(value, list) else [value])]
    known = [name for item in seen for name in _names_in(item)]
    return _distinct([*texts, *known]) or (action.spec.heading.lower(),)


def accepts(words: Iterable[str], typed: object) -> bool:
    """Whether a text that a person typed is one of the words, spaces and capitals aside."""
    if not isinstance(typed, str) or len(typed.strip()) < SHORTEST:
        return False
    return _folded(typed) in {_folded(word) for word in words}


def _names_in(item: Mapping[str, Any]) -> Iterator[Any]:
    yield " ".join(str(item[key]) for key in ("first_name", "last_name") if item.get(key))
    yield from (item.get(key) for key in _NAMES)
    for mail in item.get("email_addresses") or ():
        yield mail.get("email_address") if isinstance(mail, Mapping) else None
    person = item.get("public_user_data")
    if isinstance(person, Mapping):
        yield from _names_in(person)


def _distinct(texts: Iterable[Any]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for text in texts:
        word = " ".join(clean_text(text, _LONGEST).split()) if isinstance(text, str) else ""
        if len(word) >= SHORTEST and _folded(word) not in _HABITS and word != REDACTED:
            found.setdefault(_folded(word), word)
    return tuple(found.values())


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
