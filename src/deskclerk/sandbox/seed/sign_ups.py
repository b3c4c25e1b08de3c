"""Sign-ups of the seed: one waits for its code, one lacks a password, one was given up, one is done."""

from typing import Any

from deskclerk.sandbox.seed.draft import DAY, HOUR, TODAY, Draft
from deskclerk.sandbox.seed.people import Person
from deskclerk.sandbox.store.tables import sign_ups
from deskclerk.sandbox.users.sign_ups import COMPLETE, LASTS, OPEN

WAITING, HALFWAY, GIVEN_UP, DONE = (
    "sua_2waiting0000000000000000000",
    "sua_2halfway0000000000000000000",
    "sua_2givenup0000000000000000000",
    "sua_2done0000000000000000000000",
)
"""No list tells their ids: they have names instead."""
_JOINED = 12
"""Which of the people is told how they came."""


def add_sign_ups(draft: Draft, people: list[Person]) -> None:
    """All of them; those that go on are told from the time of seeding."""
    _add(draft, WAITING, draft.now - HOUR, email_address="noor.haddad@example.com", password_enabled=True)
    _add(
        draft,
        HALFWAY,
        draft.now - 2 * HOUR,
        email_address="tomas.blaha@example.org",
        first_name="Tomas",
        last_name="Blaha",
        verified=["email_address"],
        unsafe_metadata={"campaign": "spring"},
    )
    _add(draft, GIVEN_UP, TODAY - 10 * DAY, phone_number="+15550109999")
    person = people[_JOINED]
    _add(
        draft,
        DONE,
        person.row["created_at"],
        status=COMPLETE,
        email_address=person.email,
        first_name=person.row["first_name"],
        last_name=person.row["last_name"],
        verified=["email_address"],
        password_enabled=True,
        created_user_id=person.id,
    )


def _add(draft: Draft, key: str, created: int, **values: Any) -> None:
    nothing = dict.fromkeys(column.name for column in sign_ups.c if column.nullable)
    blank = {"status": OPEN, "verified": [], "password_enabled": False, "custom_action": False}
    draft.add(
        sign_ups,
        **nothing | blank | {"unsafe_metadata": {}, "public_metadata": {}} | values,
        id=key,
        abandon_at=created + LASTS,
        created_at=created,
    )
