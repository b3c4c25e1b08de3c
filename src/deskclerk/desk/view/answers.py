"""In what form an answer is handed over: projected, without secrets, cleaned, cut to a budget."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from deskclerk.catalogue import Action
from deskclerk.clerk.paging import Page, following, page_of
from deskclerk.desk.view.cleaning import FREE_FORM, clean, without_secrets
from deskclerk.errors import InvalidRequest

EVERYTHING = "*"
UNBOUNDED = 10**12
"""A budget of characters that no answer uses up."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the asker is shown.

    `value` is the object itself, or for a list `{"items": […], "total": n or None, "next": …}` where
    `next` holds the arguments that continue it, or None at its end. `notes` are for the asker to read.
    """

    value: dict[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The value as compact JSON."""
        return compact(self.value)


def compact(value: Any) -> str:
    """JSON without white space, letters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def show(action: Action, answer: Any, budget: int) -> Answer:
    """The view of Clerk's answer to an action, at most about `budget` characters of JSON."""
    if action.spec.is_list:
        return _show_list(action, page_of(answer), budget)
    item = without_secrets(answer if isinstance(answer, Mapping) else {})
    fields = _wanted(action, item)
    shown = item if fields is None else {"object": item.get("object")} | project(item, fields)
    if fields is not None and getattr(action, "fields", None) is None:
        shown = _without_empty(shown)
    return _fit_object(clean(shown), budget)


def _show_list(action: Action, page: Page, budget: int) -> Answer:
    if not action.spec.paged:
        page = _local_page(action, page)
    shown: list[Any] = []
    size = 0
    brief = getattr(action, "fields", None) is None
    for raw in page.items:
        fields = _wanted(action, raw)
        # What is not shown need not be looked at: the least of an item is.
        view = without_secrets(raw if fields is None else project(raw, fields))
        if fields is not None and brief:
            view = _without_empty(view)
        view = clean(view)
        if budget < UNBOUNDED:
            size += len(compact(view)) + 1
        # One item is always shown, however long: an empty page would send the asker round in circles.
        if shown and size > budget:
            break
        shown.append(view)
    # From what is shown, not from what came: what was cut off is the next page's beginning.
    onward = clean(following(action, page, len(shown)))
    notes = []
    if len(shown) < len(page.items):
        # A model that does not know that it sees a part takes it for all.
        notes.append(
            f"Cut to {len(shown)} of {len(page.items)} items to stay brief; "
            "call again with the arguments in `next`, or ask for fewer `fields`."
        )
    return Answer({"items": shown, "total": clean(page.total), "next": onward}, tuple(notes))


def _local_page(action: Action, page: Page) -> Page:
    """The page of a list that Clerk gives whole; its total stays the list's."""
    start = getattr(action, "offset", None) or 0
    limit = getattr(action, "limit", None) or len(page.items)
    return Page(page.items[start : start + limit], len(page.items))


def _wanted(action: Action, item: Mapping[str, Any]) -> Iterable[str] | None:
    """The keys to show; None for all."""
    fields = getattr(action, "fields", None)
    if fields is not None:
        return None if EVERYTHING in fields else check_fields(fields)
    # A deletion is a few keys, all of which matter; the resource's brief would cut most of them.
    return None if item.get("deleted") is True else action.spec.resource.brief


def check_fields(fields: list[str]) -> list[str]:
    """Field paths as given, or InvalidRequest."""
    for path in fields:
        if not path or any(not part for part in path.split(".")):
            problem = "a key such as email_addresses, a path such as public_metadata.plan, or *"
            raise InvalidRequest(
                f"fields: accepted: {problem}.", problems=[("fields", f"accepted: {problem}")]
            )
    return fields


def project(item: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """The item reduced to these keys; a dotted path reaches into objects and into lists of objects."""
    wanted: dict[str, list[str]] = {}
    for path in paths:
        head, _, rest = path.partition(".")
        wanted.setdefault(head, [])
        if rest:
            wanted[head].append(rest)
    found: dict[str, Any] = {}
    for key, rests in wanted.items():
        if key not in item:
            continue
        value = item[key]
        if rests and isinstance(value, Mapping):
            value = project(value, rests)
        elif rests and isinstance(value, list):
            value = [project(part, rests) if isinstance(part, Mapping) else part for part in value]
        found[key] = value
    return found


def _without_empty(item: Mapping[str, Any]) -> dict[str, Any]:
    """Nothing said is nothing shown: null, empty text, empty lists and objects are left out."""
    kept = {}
    for key, raw in item.items():
        value = _without_empty(raw) if isinstance(raw, Mapping) and key not in FREE_FORM else raw
        if value not in (None, "", [], {}):
            kept[key] = value
    return kept


def _fit_object(item: dict[str, Any], budget: int) -> Answer:
    """Replace the largest fields by a mark until the object fits."""
    cut: list[str] = []
    # The largest first, so that the short ones that say what the object is survive.
    while len(compact(item)) > budget:
        sizes = {key: len(compact(value)) for key, value in item.items() if key not in cut}
        if not sizes:
            break
        largest = max(sizes, key=lambda key: sizes[key])
        item = item | {largest: f"[cut: {sizes[largest]} characters]"}
        cut.append(largest)
    names = ", ".join(cut)
    notes = (f"Cut to stay brief: {names}. Ask for a part by path in `fields`.",) if cut else ()
    return Answer(item, notes)
