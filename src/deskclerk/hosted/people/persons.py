"""Who is known: people by the subject that their issuer gives them."""

import string
import unicodedata
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, or_

from deskclerk.database import Connection, Database
from deskclerk.desk.time_and_ids import new_id, now
from deskclerk.desk.view.cleaning import line_of
from deskclerk.errors import InvalidRequest
from deskclerk.hosted.people.tables import people

_LONGEST = 200
_LONGEST_NAMED = 60
_IN_NAMES = "-.'\u2019@_+"
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def comparable(email: str) -> str:
    """An e-mail address as it is kept and compared: in lower case, as far as ASCII goes.

    Beyond that a letter in lower case may be another letter: of U+212A (KELVIN SIGN) it is `k`.
    """
    return email.strip().translate(_LOWER)


@dataclass(frozen=True, slots=True)
class Claims:
    """What the issuer says of a person."""

    subject: str
    email: str | None
    email_verified: bool
    name: str | None
    auth_time: float | None = None
    """When the person last showed the issuer who they are, in seconds since the epoch, where it says so."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has signed in. `email` is in lower case, and None unless the issuer has verified it."""

    id: str
    name: str | None
    email: str | None

    @property
    def label(self) -> str:
        """What the person is called on pages."""
        return self.name or self.email or self.id

    @property
    def named(self) -> str:
        """Who signed or changed something, as the journal says it: what the person is called, and their id.

        People choose at their issuer what they are called. So nothing stays in it that could end it, and make
        of one signer two, or with a passkey; and the id, which nobody chooses, stands behind it.
        """
        plain = "".join(
            " " if unicodedata.category(one)[0] in "PS" and one not in _IN_NAMES else one
            for one in self.label
        )
        return f"{line_of(plain)[:_LONGEST_NAMED] or 'nobody'} ({self.id})"


def person_of(row: RowMapping) -> Person:
    """A person from their row."""
    email = row["email"] if row["email_verified"] else None
    return Person(row["id"], row["name"], email)


async def arrived(connection: Connection, issuer: str, claims: Claims) -> Person:
    """The person behind an issuer's claims, made or brought up to date."""
    email = comparable(claims.email) if claims.email else None
    shown = line_of(email, _LONGEST) if email else None
    said: dict[str, Any] = {
        "email": shown,
        # What is left of an address once it is cleaned for a page may be somebody else's.
        "email_verified": bool(email) and claims.email_verified and shown == email,
        "name": line_of(claims.name, _LONGEST) if claims.name else None,
        "signed_in_at": now(),
    }
    # By the subject alone: an address may pass from one person to another.
    same = (people.c.issuer == issuer, people.c.subject == claims.subject)
    changed = await connection.execute(people.update().where(*same).values(said))
    if not changed.rowcount:
        row = {"id": new_id("per"), "issuer": issuer, "subject": claims.subject, "created_at": now(), **said}
        await connection.execute(people.insert(), row)
    found = await connection.execute(people.select().where(*same))
    return person_of(found.mappings().one())


async def find(database: Database, person_id: str) -> Person | None:
    """A person by id."""
    async with database.reading() as connection:
        row = (await connection.execute(people.select().where(people.c.id == person_id))).mappings().first()
    return person_of(row) if row else None


async def named(database: Database, said: str) -> Person:
    """The one person whom an operator names, by id or by a verified address; InvalidRequest.

    An address that its issuer has not verified names nobody: anybody may have said that it is theirs.
    """
    said = said.strip()
    address = people.c.email_verified & (people.c.email == comparable(said))
    async with database.reading() as connection:
        query = people.select().where(or_(people.c.id == said, address)).order_by(people.c.id)
        found = [person_of(row) for row in (await connection.execute(query)).mappings()]
    if not found:
        raise InvalidRequest(
            f"Nobody who has signed in is {line_of(said, _LONGEST)}, by id or by a verified address.",
            next_step="The journal names people by an id (`per_…`) behind what they are called; give that. "
            "Nothing was changed.",
        )
    if len(found) > 1:
        raise InvalidRequest(
            f"{len(found)} people have the address {found[0].email}: {', '.join(each.id for each in found)}.",
            next_step="Give the id of the one that is meant; the journal has it. Nothing was changed.",
        )
    return found[0]
