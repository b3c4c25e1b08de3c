"""A company of any size: made-up people, teams and sessions, inserted by each database's fastest way."""

import random
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select, text

from deskclerk.database import Connection
from deskclerk.sandbox.seed.draft import DAY, HOUR, TODAY, Draft
from deskclerk.sandbox.seed.names import NAMES, plain
from deskclerk.sandbox.seed.organizations import add_teams
from deskclerk.sandbox.seed.people import activity, add_google
from deskclerk.sandbox.store.bulk import insert_rows
from deskclerk.sandbox.store.columns import metadata
from deskclerk.sandbox.store.store import Store
from deskclerk.sandbox.store.tables import (
    email_addresses,
    phone_numbers,
    sessions,
    users,
    web3_wallets,
)
from deskclerk.sandbox.users.documents import write_documents
from deskclerk.sandbox.users.fields import blank, folded

_SORT_IN = text(
    "SELECT gin_clean_pending_list(index.oid) FROM pg_class AS index JOIN pg_am ON pg_am.oid = index.relam "
    "WHERE index.relkind = 'i' AND pg_am.amname = 'gin' "
    "AND index.relnamespace = current_schema()::regnamespace"
)
_BULK_KILOBYTES = 262_144
Row = dict[str, Any]
AT_ONCE = 2_000
"""How many people one transaction takes; requests get through between two."""
_YEARS = 5 * 365 * DAY
_AREAS = tuple(area for area in range(201, 999) if area != 555)  # noqa: PLR2004 - the small company's
# With the areas nearly eight million numbers; a third of the people have one.
_LINES = 10_000
_DIGEST = "$2b$12$K3JqhmAbjI1g/DGmQdR5yOqv8gxuLOrEc7mkJ0y0UTn1Jc1uIV0/m"
"""Stands for a password that nobody knows."""


async def make_room(connection: Connection) -> None:
    """Let SQLite keep in memory, until `measure`, what inserts all over its indexes touch again and again."""
    if connection.dialect.name == "sqlite":
        await connection.execute(text(f"PRAGMA cache_size = -{_BULK_KILOBYTES}"))


async def measure(connection: Connection) -> None:
    """Let PostgreSQL's planner know how much there is now, and sort new rows into the indexes of trigrams.

    SQLite's planner is told once and for all, by the migration.
    """
    if connection.dialect.name == "sqlite":
        # SQLite's own default.
        await connection.execute(text("PRAGMA cache_size = -2000"))
        await connection.execute(text("PRAGMA shrink_memory"))
    else:
        await connection.execute(text("ANALYZE"))
        await connection.execute(_SORT_IN)


Progress = Callable[[int, int | None], None]
"""Takes how many more people are done, and how many there will be."""


async def generate(
    store: Store, instance_id: str, people: int, *, seed: int = 1, progress: Progress | None = None
) -> None:
    """Add so many people to an instance, with their teams and sessions."""
    async with store.transaction(reads=True) as connection:
        now = await store.now(connection)
        mine = select(func.count()).select_from(users).where(users.c.instance_id == instance_id)
        # Numbers go on from here: they are in addresses and user names, which must differ.
        already = (await connection.execute(mine)).scalar_one()
    for begin in range(0, people, AT_ONCE):
        numbers = range(already + begin, already + min(begin + AT_ONCE, people))
        draft = Draft(instance_id, now)
        # By the first number too: a second run makes other people.
        draft.chance = random.Random(f"deskclerk {seed} {numbers.start}")  # noqa: S311 - no secrets
        _fill(draft, numbers, begin, people)
        async with store.transaction(reads=False) as connection:
            await make_room(connection)
            for table in metadata.sorted_tables:
                await insert_rows(connection, table, draft.rows.get(table.name, ()))
            await write_documents(connection, instance_id, [row["id"] for row in draft.rows[users.name]])
        if progress:
            progress(len(numbers), people)
    async with store.transaction(reads=False) as connection:
        await measure(connection)


def _fill(draft: Draft, numbers: range, begin: int, people: int) -> None:
    """The people of these numbers, who came one after the other: those before them are `begin`."""
    each = _YEARS // people or 1
    joined = [TODAY - _YEARS + (begin + place) * _YEARS // people for place in range(len(numbers))]
    times = [first + draft.chance.randrange(each) for first in joined]
    made = [_add_person(draft, number, created) for number, created in zip(numbers, times, strict=True)]
    teams = add_teams(draft, made)
    for row in made:
        if row["last_active_at"] and not row["banned"] and draft.chance.random() < 0.4:  # noqa: PLR2004
            _add_session(draft, row, teams.get(row["id"]))


def _add_person(draft: Draft, number: int, created: int) -> dict[str, Any]:
    chance = draft.chance
    first, last = chance.choice(NAMES)[0], chance.choice(NAMES)[1]
    seen = created + chance.randrange(max(TODAY - created, 1)) if chance.random() < 0.92 else None  # noqa: PLR2004
    user_id, letters = draft.id("user", created), f"{plain(first)}.{plain(last)}"
    username = f"{plain(first)}_{plain(last)[:1]}{number}" if number % 2 == 0 else None
    email = f"{letters}.{number}@example.com"
    names = {"first_name": first, "last_name": last, "username": username}
    row = draft.add(
        users,
        id=user_id,
        **blank(created) | _profile(chance, number, created) | names | folded(names),
        primary_email_address_id=_add(draft, email_addresses, user_id, created, 0, email_address=email),
        primary_phone_number_id=_add_phone(draft, user_id, created, number) if number % 3 == 0 else None,
        primary_web3_wallet_id=_add_wallet(draft, user_id, created) if number % 50 == 0 else None,
        last_sign_in_at=seen,
        last_active_at=seen and min(seen + chance.randrange(6 * HOUR), TODAY),
    )
    if number % 10 == 0:
        _add(draft, email_addresses, user_id, created, 1, email_address=f"{letters}.{number}@example.org")
    if number % 8 == 0:
        add_google(draft, row, email)
    return row


def _profile(chance: random.Random, number: int, created: int) -> dict[str, Any]:
    password = number % 5 != 0
    return {
        "external_id": f"crm-{1_000_000 + number}" if number % 4 == 0 else None,
        "locale": chance.choice(("en-US", "en-GB", "fr-FR", "de-DE", "es-ES", "pt-BR", "ja-JP", None)),
        "profile_image_id": None,
        "public_metadata": {"plan": chance.choice(("free", "team", "business"))},
        "unsafe_metadata": {"theme": chance.choice(("light", "dark"))} if number % 3 == 0 else {},
        "password_digest": _DIGEST if password else None,
        "password_hasher": "bcrypt" if password else None,
        "password_last_updated_at": created if password else None,
        "banned": chance.random() < 0.005,  # noqa: PLR2004 - one in two hundred
    }


def _add(draft: Draft, table: Any, user_id: str, created: int, position: int, **values: Any) -> str:
    key = draft.id("idn", created)
    draft.add(table, id=key, user_id=user_id, position=position, verified=True, created_at=created, **values)
    return key


def _add_phone(draft: Draft, user_id: str, created: int, number: int) -> str:
    area = _AREAS[number // _LINES % len(_AREAS)]
    phone = f"+1{area}555{number % _LINES:04}"
    return _add(
        draft, phone_numbers, user_id, created, 0, phone_number=phone, reserved_for_second_factor=False
    )


def _add_wallet(draft: Draft, user_id: str, created: int) -> str:
    wallet = f"0x{draft.chance.randbytes(20).hex()}"
    return _add(draft, web3_wallets, user_id, created, 0, web3_wallet=wallet)


def _add_session(draft: Draft, user: dict[str, Any], organization_id: str | None) -> None:
    active = draft.chance.random() < 0.5  # noqa: PLR2004
    began = draft.now - draft.chance.randrange(HOUR, 20 * DAY) if active else user["last_sign_in_at"]
    ends = began + 60 * DAY if active else began + 7 * DAY
    draft.add(
        sessions,
        id=draft.id("sess", TODAY),
        user_id=user["id"],
        client_id=draft.id("client", TODAY),
        status="active" if active else draft.chance.choice(("ended", "revoked", "active")),
        last_active_organization_id=organization_id if active else None,
        latest_activity=activity(draft),
        actor=None,
        last_active_at=began + draft.chance.randrange(60_000, HOUR),
        expire_at=ends,
        abandon_at=ends + 30 * DAY,
        created_at=began,
    )
