"""Passkeys (WebAuthn): what a person holds in the hand, and has say yes to one plan.

A browser that somebody left open is not enough to add or to remove one either: one that is there says yes to
it, and the first wants a sign-in of a moment ago.

A challenge is made for one person and one subject: a new passkey, the yes to it or to a removal, or a plan
with the digest of what was shown. The subject is part of the challenge itself, so that what the passkey signs
names it, and its row is deleted by whoever answers first.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import webauthn
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from webauthn.helpers import base64url_to_bytes, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from deskclerk.database import Database
from deskclerk.desk.misses import missed
from deskclerk.desk.time_and_ids import new_id, now
from deskclerk.desk.view.cleaning import line_of
from deskclerk.errors import ApprovalRefused, InvalidRequest, NotAllowed
from deskclerk.hosted.errors import NotHere
from deskclerk.hosted.people.persons import Person
from deskclerk.hosted.people.tables import challenges, passkeys, sessions

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

SECONDS = 300
"""For how long a challenge can be answered."""
_NAME = "deskclerk"
_NEW = "passkey"
_LONGEST = 80
_MOST = 20
"""Of one person: passkeys, and challenges that wait for an answer; of too many of these the oldest ends."""
_MOST_CHARACTERS = 20_000
_AGAIN = "Nothing was signed. Reload the page and use your passkey again."


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey as its person sees it in a list."""

    id: str
    name: str
    created_at: int
    last_used_at: int | None


class Passkeys:
    """The passkeys of all people, for one site."""

    def __init__(self, database: Database, origin: str) -> None:
        """`origin` is the site's, by which browsers reach it: passkeys are made for its host."""
        self._database = database
        self._origin = origin
        self._host = urlsplit(origin).hostname or ""

    async def of(self, person: str) -> list[Passkey]:
        """A person's passkeys, the newest first."""
        query = select(passkeys).where(passkeys.c.person == person)
        async with self._database.reading() as connection:
            rows = await connection.execute(query.order_by(passkeys.c.created_at.desc()))
            return [
                Passkey(row["id"], row["name"], row["created_at"], row["last_used_at"])
                for row in rows.mappings()
            ]

    async def ask_for_new(self, person: Person) -> str:
        """What a browser is told to make a passkey, as JSON."""
        options = webauthn.generate_registration_options(
            rp_id=self._host,
            rp_name=_NAME,
            user_id=person.id.encode(),
            user_name=person.label,
            challenge=await self._challenge(person.id, _NEW),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=await self._credentials(person.id),
        )
        return webauthn.options_to_json(options)

    async def add(
        self, person: Person, answer: str, name: str, *, yes: str = "", fresh: bool = False
    ) -> Passkey:
        """Keep the passkey that a browser made; InvalidRequest for what is none.

        A further one wants a `yes` of one that is there, as `ask_about_change` asks for it (ApprovalRefused);
        the first one that the person's sign-in is `fresh` (NotAllowed).
        """
        if await self._credentials(person.id):
            await self._confirmed(person.id, _change(), yes, _no_change())
        elif not fresh:
            raise NotAllowed(
                "A first passkey is added right after its person has signed in.",
                next_step="Nothing was stored. The page Security has a link to sign in again.",
            )
        refused = InvalidRequest(
            "This is no answer of a passkey that was just asked for.",
            next_step="Nothing was stored. Reload the page and try again.",
        )
        credential = _json(answer)
        challenge = await self._use_challenge(credential, person.id, _NEW)
        if challenge is None:
            raise refused
        try:
            made = webauthn.verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError):
            raise refused from None
        made_id, label, at = new_id("key"), line_of(name, _LONGEST) or "Passkey", now()
        row = {
            "id": made_id,
            "person": person.id,
            "credential": made.credential_id,
            "public_key": made.credential_public_key,
            "sign_count": made.sign_count,
            "name": label,
            "created_at": at,
        }
        try:
            async with self._database.writing() as connection:
                mine = select(passkeys.c.id).where(passkeys.c.person == person.id)
                if len((await connection.execute(mine)).all()) >= _MOST:
                    raise InvalidRequest(
                        f"You have {_MOST} passkeys already.", next_step="Remove one that you do not use."
                    )
                await connection.execute(passkeys.insert(), row)
        except IntegrityError:
            raise refused from None
        return Passkey(made_id, label, at, None)

    async def remove(self, person: str, passkey: str, yes: str) -> Passkey:
        """Forget a passkey of a person's, with the yes of any that they have; NotHere, ApprovalRefused."""
        found = next((item for item in await self.of(person) if item.id == passkey), None)
        if found is None:
            missed(passkey)
            raise NotHere("You have no such passkey.", next_step="The page lists those that you have.")
        await self._confirmed(person, _change(passkey), yes, _no_change())
        mine = passkeys.c.id == passkey, passkeys.c.person == person
        async with self._database.writing() as connection:
            await connection.execute(passkeys.delete().where(*mine))
        return found

    async def ask_about_change(self, person: Person, passkey: str = "") -> str:
        """What a browser is told to have a passkey say yes to a further one, or to this one's removal."""
        return await self._ask(person, _change(passkey))

    async def ask_about(self, person: Person, plan: str, digest: str) -> str:
        """What a browser is told to have a passkey sign one plan, as JSON; InvalidRequest without any.

        `digest` is that of the plan as it is shown.
        """
        return await self._ask(person, _about(plan, digest))

    async def _ask(self, person: Person, subject: str) -> str:
        known = await self._credentials(person.id)
        if not known:
            raise InvalidRequest("You have no passkey.", next_step="Add one on the page Security.")
        options = webauthn.generate_authentication_options(
            rp_id=self._host,
            challenge=await self._challenge(person.id, subject),
            allow_credentials=known,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return webauthn.options_to_json(options)

    async def check(self, person: str, plan: str, digest: str, answer: str) -> str:
        """The name of the passkey that said yes to a plan, once.

        ApprovalRefused for another plan's yes, another person's passkey, a copy of one, or one without the
        person: a PIN, a finger or a face is wanted.
        """
        refused = ApprovalRefused("The passkey did not confirm this plan.", next_step=_AGAIN)
        return await self._confirmed(person, _about(plan, digest), answer, refused)

    async def _confirmed(self, person: str, subject: str, answer: str, refused: ApprovalRefused) -> str:
        try:
            credential = _json(answer)
            raw_id = base64url_to_bytes(str(credential.get("rawId", "")))
            challenge = await self._use_challenge(credential, person, subject)
        except (InvalidRequest, ValueError):
            raise refused from None
        if challenge is None:
            raise refused
        async with self._database.writing() as connection:
            # Locked: of two answers with one count one is a copy.
            mine = passkeys.c.credential == raw_id, passkeys.c.person == person
            query = select(passkeys).where(*mine).with_for_update()
            row = (await connection.execute(query)).mappings().one_or_none()
            if row is None:
                raise refused
            try:
                said = webauthn.verify_authentication_response(
                    credential=credential,
                    expected_challenge=challenge,
                    expected_rp_id=self._host,
                    expected_origin=self._origin,
                    credential_public_key=row["public_key"],
                    credential_current_sign_count=row["sign_count"],
                    require_user_verification=True,
                )
            except (WebAuthnException, ValueError):
                raise refused from None
            used = {"sign_count": said.new_sign_count, "last_used_at": now()}
            await connection.execute(passkeys.update().where(*mine).values(used))
        return str(row["name"])

    async def _credentials(self, person: str) -> list[PublicKeyCredentialDescriptor]:
        query = select(passkeys.c.credential).where(passkeys.c.person == person)
        async with self._database.reading() as connection:
            rows: list[RowMapping] = list((await connection.execute(query)).mappings())
        return [PublicKeyCredentialDescriptor(id=row["credential"]) for row in rows]

    async def _challenge(self, person: str, subject: str) -> bytes:
        """A new challenge for a person and a subject."""
        challenge = secrets.token_bytes(32) + hashlib.sha256(f"{person} {_digest(subject)}".encode()).digest()
        row = {
            "digest": hashlib.sha256(challenge).hexdigest(),
            "person": person,
            "subject": _digest(subject),
            "expires_at": now() + SECONDS * 1000,
        }
        mine = select(challenges.c.digest).where(challenges.c.person == person)
        newest = mine.order_by(challenges.c.expires_at.desc()).limit(_MOST)
        surplus = challenges.c.person == person, challenges.c.digest.not_in(newest)
        async with self._database.writing() as connection:
            await connection.execute(challenges.delete().where(challenges.c.expires_at <= now()))
            await connection.execute(challenges.insert(), row)
            await connection.execute(challenges.delete().where(*surplus))
        return challenge

    async def _use_challenge(self, credential: dict[str, Any], person: str, subject: str) -> bytes | None:
        """The challenge of an answer, if it was this person's about this; it is used up by this."""
        try:
            said = base64url_to_bytes(str(credential["response"]["clientDataJSON"]))
            challenge = parse_client_data_json(said).challenge
        except (KeyError, TypeError, ValueError, WebAuthnException):
            return None
        mine = (
            challenges.c.digest == hashlib.sha256(challenge).hexdigest(),
            challenges.c.person == person,
            challenges.c.subject == _digest(subject),
            challenges.c.expires_at > now(),
        )
        async with self._database.writing() as connection:
            used = await connection.execute(challenges.delete().where(*mine))
        return challenge if used.rowcount == 1 else None


async def reset(database: Database, person: str) -> tuple[int, int]:
    """Forget all passkeys of a person who has none at hand, and sign them out; how many of both there were.

    For the operator's command alone: no passkey says yes to it. Whoever sits before a browser that is in gets
    nothing by it, since the next passkey is a first one, which wants a new sign-in.
    """
    mine = [table.delete().where(table.c.person == person) for table in (passkeys, sessions)]
    async with database.writing() as connection:
        await connection.execute(challenges.delete().where(challenges.c.person == person))
        keys, browsers = [(await connection.execute(each)).rowcount for each in mine]
    return keys, browsers


def _about(plan: str, digest: str) -> str:
    return f"plan {plan} {digest}"


def _change(removed: str = "") -> str:
    return f"remove passkey {removed}" if removed else "add passkey"


def _no_change() -> ApprovalRefused:
    return ApprovalRefused(
        "No passkey that you have confirmed this.",
        next_step="Nothing was changed. Reload the page, and use one that you have when it asks.",
    )


def _digest(subject: str) -> str:
    return hashlib.sha256(subject.encode("utf-8", "replace")).hexdigest()


def _json(answer: str) -> dict[str, Any]:
    """A browser's answer; InvalidRequest for what is none."""
    try:
        found = json.loads(answer) if len(answer) <= _MOST_CHARACTERS else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidRequest("This is no answer of a passkey.", next_step="Use the page's own button.")
    return found
