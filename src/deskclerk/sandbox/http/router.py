"""Which route a path means: a tree of its segments."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from deskclerk.catalogue import Route

T = TypeVar("T")


@dataclass(slots=True)
class _Node(Generic[T]):
    words: dict[str, "_Node[T]"] = field(default_factory=dict)
    any_word: "_Node[T] | None" = None
    ends: dict[str, tuple[tuple[str, ...], T]] = field(default_factory=dict)
    """By method: the names of the placeholders on the way here, and what the route leads to."""


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What a route leads to, and the values of its placeholders."""

    target: T
    values: dict[str, str]


class Router(Generic[T]):
    """Routes below a prefix, each leading to something."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix + "/"
        self._root: _Node[T] = _Node()

    def add(self, route: Route, target: T) -> None:
        """A route more."""
        node = self._root
        for word in route.path.strip("/").split("/"):
            if word.startswith("{"):
                node.any_word = node.any_word or _Node()
                node = node.any_word
            else:
                node = node.words.setdefault(word, _Node())
        node.ends[str(route.method)] = (tuple(route.names), target)

    def find(self, method: str, path: str) -> Found[T] | set[str]:
        """Where a request goes; else the methods that the path has, which may be none."""
        if not path.startswith(self._prefix):
            return set()
        words, methods = path[len(self._prefix) :].split("/"), set[str]()
        # Who asks for the head alone is answered as who asks for all; the server leaves the body out.
        wanted = "GET" if method == "HEAD" else method
        for node, values in _ends(self._root, words, 0, ()):
            if wanted in node.ends:
                names, target = node.ends[wanted]
                return Found(target, dict(zip(names, values, strict=True)))
            methods |= node.ends.keys()
        return methods


def _ends(
    node: _Node[T], words: list[str], place: int, values: tuple[str, ...]
) -> Iterator[tuple[_Node[T], tuple[str, ...]]]:
    """The ends that the words lead to, those in words before those that take any: /users/count."""
    if place == len(words):
        if node.ends:
            yield node, values
        return
    word = words[place]
    if (next_node := node.words.get(word)) is not None:
        yield from _ends(next_node, words, place + 1, values)
    if node.any_word is not None and word:
        yield from _ends(node.any_word, words, place + 1, (*values, word))
