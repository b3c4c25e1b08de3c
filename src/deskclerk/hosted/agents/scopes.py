"""What an access token is for, in words that an issuer can put in front of a person.

Scopes narrow: what a token may not ask for, no rule of its agent gives back. The strongest `clerk:` scope
counts and holds the weaker ones; `jobs` stands beside them.
"""

from collections.abc import Collection, Iterable

from deskclerk.catalogue import EVERY_BY_NAME, Action, Effect
from deskclerk.settings import Access, Rules

READ, WRITE, DESTRUCTIVE, JOBS = "clerk:read", "clerk:write", "clerk:destructive", "jobs"
SCOPES = (READ, WRITE, DESTRUCTIVE, JOBS)
"""All that there are, the weakest first."""
_ACCESS: dict[str, Access] = {READ: "read", WRITE: "write", DESTRUCTIVE: "destructive"}
_FOR: dict[Effect, str] = {Effect.READ: READ, Effect.WRITE: WRITE, Effect.DESTRUCTIVE: DESTRUCTIVE}
_OF_JOBS = tuple(name for name, action in EVERY_BY_NAME.items() if action.spec.by_desk)


def known(words: Iterable[str]) -> tuple[str, ...]:
    """Those of our scopes that are among these words, in our order; others mean nothing here."""
    found = set(words)
    return tuple(scope for scope in SCOPES if scope in found)


def access_of(scopes: Collection[str]) -> Access | None:
    """The strongest effect that these scopes let a token ask for; None if they let it ask for nothing."""
    return next((_ACCESS[scope] for scope in (DESTRUCTIVE, WRITE, READ) if scope in scopes), None)


def rules_of(scopes: Collection[str]) -> Rules:
    """The limits that scopes set. They hold some `clerk:` scope: without one nothing may be asked for."""
    access = access_of(scopes)
    if access is None:
        raise ValueError("no scope to ask for anything with")
    return Rules(access=access, deny=() if JOBS in scopes else _OF_JOBS)


def lacking(scopes: Collection[str], action: type[Action]) -> tuple[str, ...]:
    """The scopes that a token would need beside its own to ask for this action."""
    needed = _FOR[action.spec.effect]
    strong_enough = SCOPES[SCOPES.index(needed) : SCOPES.index(JOBS)]
    found = () if any(scope in scopes for scope in strong_enough) else (needed,)
    return found if JOBS in scopes or not action.spec.by_desk else (*found, JOBS)
