"""Finds the actions that a task in plain words wants: for whoever is not shown all of them.

What an action says of itself is enough for most words; `_MEANS` has those that people use for the same.
Words count the more the fewer actions they are in.
"""

import functools
import math
import re
from collections import Counter
from collections.abc import Sequence

from deskclerk.catalogue import Action

_WORD = re.compile(r"[a-z0-9]+")
_LONGEST = 2_000
"""Characters of a task that are read."""
_OF_THE_NAME, _OF_THE_SUMMARY, _OF_A_PARAMETER = 3.0, 1.0, 0.4
_BEYOND = 0.4
_MEANT = 0.8
"""What a word counts that only means the same."""
_PHRASES = {
    re.compile(r"\bsigned[ -]up\b"): "list users",
    re.compile(r"\bto sign[ -]up\b"): "to the application",
    # Of which only the tools for jobs speak, where they are offered.
    re.compile(r"\b(all|every|each|several|thousands?( of)?|hundreds( of)?)\b"): "bulk",
}
"""What means something else than its words."""
_NOTHING = frozenset(
    [
        "a",
        "all",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "been",
        "by",
        "can",
        "could",
        "do",
        "does",
        "every",
        "for",
        "from",
        "give",
        "has",
        "have",
        "he",
        "her",
        "his",
        "i",
        "id",
        "in",
        "is",
        "it",
        "its",
        "me",
        "my",
        "no",
        "not",
        "of",
        "on",
        "one",
        "our",
        "please",
        "she",
        "so",
        "that",
        "the",
        "their",
        "them",
        "there",
        "they",
        "this",
        "to",
        "up",
        "us",
        "was",
        "we",
        "when",
        "where",
        "will",
        "with",
        "you",
        "your",
    ]
)
_MEANS = {
    "account": "user",
    "accounts": "user",
    "add": "create",
    "admin": "membership role",
    "admins": "membership role list",
    "again": "create",
    "allow": "allowlist create",
    "allowed": "allowlist list",
    "app": "client oauth",
    "applications": "list",
    "apps": "client oauth list",
    "belong": "organization list",
    "blacklist": "blocklist",
    "block": "blocklist ban create",
    "blocked": "blocklist",
    "browser": "session",
    "cancel": "revoke invitation",
    "change": "update",
    "claim": "jwt template update",
    "claims": "jwt template",
    "clear": "update",
    "colleague": "user",
    "company": "organization",
    "count": "list",
    "credentials": "client",
    "customer": "user",
    "customers": "user list",
    "demote": "membership update role",
    "deny": "blocklist create",
    "details": "get",
    "device": "session",
    "devices": "session list",
    "disable": "ban",
    "disallow": "allowlist delete",
    "edit": "update",
    "email": "user",
    "end": "session revoke",
    "erase": "delete",
    "everyone": "list",
    "exist": "list",
    "expire": "revoke",
    "find": "list get",
    "firm": "organization",
    "freeze": "lock",
    "gdpr": "delete user",
    "group": "organization",
    "how": "list",
    "information": "get",
    "invitations": "invitation list",
    "invalidate": "revoke",
    "invite": "invitation create",
    "invited": "invitation invitations list",
    "invites": "invitation list",
    "issue": "create",
    "join": "membership create",
    "key": "client",
    "kick": "membership delete",
    "kill": "revoke",
    "last": "list",
    "leave": "membership delete",
    "let": "create",
    "lift": "unban unlock",
    "locked": "lock",
    "log": "session",
    "logged": "session list",
    "login": "session",
    "logins": "session list",
    "logout": "session revoke",
    "make": "create update",
    "many": "list",
    "member": "membership",
    "members": "membership list",
    "metadata": "update",
    "modify": "update",
    "month": "user list",
    "move": "update",
    "name": "update",
    "new": "create",
    "newest": "list",
    "nobody": "list",
    "offboard": "ban membership delete session",
    "org": "organization",
    "outstanding": "invitation list",
    "password": "user update",
    "pending": "invitation list",
    "people": "user list",
    "permanently": "delete",
    "person": "user",
    "plan": "update",
    "promote": "membership update role",
    "put": "create",
    "read": "get",
    "recent": "list",
    "recently": "list",
    "redirect": "client oauth",
    "register": "create",
    "remove": "delete",
    "rename": "update name",
    "reset": "update",
    "resend": "invitation create",
    "role": "membership update",
    "satellite": "domain",
    "search": "list",
    "seats": "organization update",
    "see": "get list",
    "send": "create",
    "set": "update",
    "show": "get list",
    "signed": "session list",
    "slug": "organization update",
    "spam": "ban blocklist",
    "staff": "user",
    "stop": "revoke delete",
    "suspend": "ban",
    "take": "delete",
    "team": "organization",
    "teams": "organization list",
    "tenant": "organization",
    "throw": "delete",
    "today": "user list",
    "token": "jwt template",
    "tokens": "jwt template",
    "turn": "update",
    "undo": "unban unlock",
    "unfreeze": "unlock",
    "unsuspend": "unban",
    "uninvite": "invitation revoke",
    "week": "user list",
    "what": "get",
    "which": "list",
    "whitelist": "allowlist",
    "who": "list",
    "wipe": "delete",
    "withdraw": "invitation revoke",
    "workspace": "organization",
    "workspaces": "organization list",
}


def find_actions(task: str, offered: Sequence[type[Action]], most: int) -> list[type[Action]]:
    """The actions that fit best, the best first; of equals the one that the catalogue lists first."""
    asked = _asked(task[:_LONGEST])
    texts = {action: _text(action) for action in offered}
    spread = Counter(word for text in texts.values() for word in text)

    def score(action: type[Action]) -> float:
        text = texts[action]
        rare = {word: math.log(1 + len(texts) / spread[word]) for word in text}
        told = sum(asked[word] * text[word] * rare[word] for word in asked if word in text)
        # What the name says beyond the task: of an organization and its memberships the former comes first.
        beyond = sum(rare[word] for word in text if text[word] == _OF_THE_NAME and word not in asked)
        return told - _BEYOND * beyond if told else 0.0

    found = sorted(((score(action), action) for action in offered), key=lambda item: -item[0])
    return [action for points, action in found[:most] if points > 0]


def _asked(task: str) -> dict[str, float]:
    """The words of a task and what they mean, by how much each counts."""
    found: dict[str, float] = {}
    text = task.lower()
    for phrase, meant in _PHRASES.items():
        text = phrase.sub(meant, text)
    for word in _WORD.findall(text):
        if word in _NOTHING:
            continue
        plain = _plain(word)
        found[plain] = max(found.get(plain, 0.0), 1.0)
        for meant in _MEANS.get(word, _MEANS.get(plain, "")).split():
            found[_plain(meant)] = max(found.get(_plain(meant), 0.0), _MEANT)
    return found


@functools.cache
def _text(action: type[Action]) -> dict[str, float]:
    """The words of an action, by how much each says of it."""
    spec = action.spec
    found: dict[str, float] = {}
    for text, weight in (
        (" ".join(action.parameters()), _OF_A_PARAMETER),
        (action.summary(), _OF_THE_SUMMARY),
        (f"{spec.name.removeprefix('clerk')} {spec.heading}", _OF_THE_NAME),
    ):
        for word in _WORD.findall(text.lower().replace("_", " ")):
            if word not in _NOTHING and word != "org":  # short for organization, which the heading says
                found[_plain(word)] = max(found.get(_plain(word), 0.0), weight)
    return found


def _plain(word: str) -> str:
    """A word without its commonest endings."""
    for ending, rest in (("ies", "y"), ("sses", "ss"), ("ned", "n"), ("ing", ""), ("s", "")):
        if word.endswith(ending) and len(word) > len(ending) + 2 and not word.endswith("ss"):
            return word.removesuffix(ending) + rest
    return word
