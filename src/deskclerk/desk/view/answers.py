"""In what form an answer is handed over: projected, without secrets, cleaned, cut to a budget."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from deskclerk.catalogue import Action
from deskclerk.clerk.paging import Page, following, page_of
from deskclerk.desk.view.cleaning import FREE_FORM, clean, without_secrets
from deskclerk.desk.view.compact import OMITTED, Times, beside, compact_form, one_of_many

EVERYTHING, RAW = "*", "raw"
"""In `fields`: all of Clerk's document, and all of it just as Clerk has it."""
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


def show(action: Action, answer: Any, budget: int, *, for_model: bool = False) -> Answer:
    """The view of Clerk's answer to an action, at most about `budget` characters of JSON.

    `for_model` gives it in the form of `compact.py`, unless `fields` asks for `raw`.
    """
    if action.spec.is_list:
        return _show_list(action, page_of(answer), budget, for_model=for_model)
    item = _view(action, answer if isinstance(answer, Mapping) else {}, for_model=for_model)
    return fit_object(clean(item), budget)


def _show_list(action: Action, page: Page, budget: int, *, for_model: bool) -> Answer:
    if not action.spec.paged:
        page = _local_page(action, page)
    shown: list[Any] = []
    size = 0
    for raw in page.items:
        # What is not shown need not be looked at: the least of an item is.
        view = clean(_view(action, raw, for_model=for_model))
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
    value = {"items": shown, "total": clean(page.total), "next": onward}
    if for_model and shown and _asks_for(action, EVERYTHING):
        value |= {"omitted": OMITTED}
    return Answer(value, tuple(notes))


def _view(action: Action, raw: Mapping[str, Any], *, for_model: bool) -> dict[str, Any]:
    """What is shown of one thing: the keys that are asked for, or in brief those that say the most."""
    asked = getattr(action, "fields", None)
    if _asks_for(action, RAW):
        return dict(without_secrets(raw))
    if _asks_for(action, EVERYTHING):
        item = without_secrets(raw)
        if not for_model:
            return dict(item)
        whole = compact_form(item, Times.WHOLE)
        return whole if action.spec.is_list else whole | {"omitted": OMITTED}
    if asked is None and (raw.get("deleted") is True or _is_of_another_kind(action, raw)):
        # A deletion is a few keys, all of which matter; the resource's brief would cut most of them. So with
        # what is no resource: a count, whether a password is right.
        return dict(without_secrets(raw))
    paths = asked if asked is not None else _brief(action, for_model=for_model)
    item = without_secrets(project(raw, paths))
    if for_model and asked is not None:
        item = compact_form(item, Times.WHOLE)
    elif for_model and action.spec.is_list:
        item = compact_form(one_of_many(beside(item, paths)), Times.DAY)
    elif for_model:
        item = compact_form(beside(item, paths), Times.SECOND)
    elif asked is None:
        item = _without_empty(item)
    return dict(item) if action.spec.is_list else {"object": raw.get("object")} | item


def _is_of_another_kind(action: Action, raw: Mapping[str, Any]) -> bool:
    """Whether an action answers something other than its resource."""
    spec = action.spec
    return bool(spec.answers) and not spec.is_list and raw.get("object") != spec.resource.object


def _brief(action: Action, *, for_model: bool) -> tuple[str, ...]:
    """The keys of a brief answer; of many things a model is shown less than of one."""
    resource = action.spec.resource
    return resource.in_lists or resource.brief if for_model and action.spec.is_list else resource.brief


def _asks_for(action: Action, word: str) -> bool:
    return word in (getattr(action, "fields", None) or ())


def _local_page(action: Action, page: Page) -> Page:
    """The page of a list that Clerk gives whole; its total stays the list's."""
    start = getattr(action, "offset", None) or 0
    limit = getattr(action, "limit", None)
    limit = len(page.items) if limit is None else limit
    return Page(page.items[start : start + limit], len(page.items))


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


def fit_object(item: dict[str, Any], budget: int) -> Answer:
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
