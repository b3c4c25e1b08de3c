"""The signer's PIN: where one is set, a signature outside a client's dialogue wants it.

Whoever asks may have a shell, and `--yes`; the PIN is what only the person has. Without one, what a
person types has to name the target: a habit, or a program that answers every question with yes, cannot.
"""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.plans.plan import Plan, accepts
from deskclerk.desk.time_and_ids import now
from deskclerk.errors import ApprovalRefused, InvalidRequest

if TYPE_CHECKING:
    from pwdlib import PasswordHash

YES = "yes"
# Six characters hold against five tries and a doubling lock; they need not hold against a copy of the file.
SHORTEST = 6
# A person mistypes; a program that guesses ends at one try a day.
FREE_TRIES = 5
_FIRST_LOCK = 30_000
_LONGEST_LOCK = 86_400_000
_ID = 1


@dataclass(frozen=True, slots=True)
class PinRules:
    """What signs a plan outside a client's dialogue.

    `pin`: the signer's PIN is wanted. `named`: the target is typed, for a plan with a way back too.
    `flag`: a command's own `--yes` is enough.
    """

    pin: bool
    named: bool
    flag: bool

    def words(self, plan: Plan) -> tuple[str, ...]:
        """What may be typed to sign a plan."""
        return plan.words if self.named or plan.effect == "destructive" else (YES,)

    def accepts(self, plan: Plan, typed: str) -> bool:
        """Whether a line that a person typed signs."""
        words = self.words(plan)
        return typed.strip() == YES if words == (YES,) else accepts(words, typed)


class SignerPin:
    """The PIN in the desk's database, as an argon2 digest, with its wrong tries."""

    def __init__(self, journal: Journal, instance: Instance) -> None:
        self._journal = journal
        self._instance = instance

    async def is_set(self) -> bool:
        """Whether signatures want a PIN."""
        return (await self._row())["digest"] is not None

    async def rules(self) -> PinRules:
        """What a signature on a plan of the instance in force wants.

        On the sandbox nothing real is at stake, so that a script may say yes there.
        """
        pin, sandbox = await self.is_set(), self._instance.kind == "sandbox"
        return PinRules(pin=pin, named=not pin and not sandbox, flag=sandbox and not pin)

    async def locked_for(self) -> int:
        """Seconds until the next try counts; 0 if it does now."""
        until = int((await self._row())["locked_until"])
        return max(0, -(-(until - now()) // 1000))

    async def set(self, pin: str, old: str = "") -> None:
        """Set or change the PIN; a change wants the old one.

        Raises:
            InvalidRequest: too short.
            ApprovalRefused: the old PIN is wrong, or too many were.
        """
        if len(pin) < SHORTEST:
            raise InvalidRequest(f"The PIN is too short; accepted: at least {SHORTEST} characters.")
        if await self.is_set():
            await self.check(old)
        # Argon2 takes its time on purpose: in a thread, so that other calls go on.
        await self._write(digest=await asyncio.to_thread(_hasher().hash, pin), failures=0, locked_until=0)

    async def remove(self, pin: str) -> None:
        """Remove the PIN; wants it."""
        await self.check(pin)
        await self._write(digest=None, failures=0, locked_until=0)

    async def want(self, pin: str) -> None:
        """ApprovalRefused if a PIN is set and this is not it; none given does not count as a try."""
        # An empty field is somebody who did not see it, and costs no try.
        if not pin and await self.is_set():
            raise ApprovalRefused(
                "A signer's PIN is set, and none was given.", next_step="Sign again and enter it."
            )
        await self.check(pin)

    async def check(self, pin: str) -> None:
        """ApprovalRefused if the PIN is wrong, or was too often; whoever tries in parallel gains no tries."""
        digest = await self._begin_try()
        if digest is None:
            return
        if not await asyncio.to_thread(_hasher().verify, pin, digest):
            raise ApprovalRefused("The PIN is wrong.", next_step=_tries((await self._row())["failures"]))
        await self._write(failures=0, locked_until=0)

    async def _begin_try(self) -> str | None:
        """Count a try before it is looked at; the digest to compare with, None without a PIN."""
        from deskclerk.desk.journal.tables import signer  # noqa: PLC0415 - opened when needed

        database = await self._journal.database()
        async with database.writing() as connection:
            # Locked until the try is counted: on PostgreSQL two tries could otherwise read the same count.
            query = signer.select().where(signer.c.id == _ID).with_for_update()
            row = (await connection.execute(query)).mappings().one()
            if row["digest"] is None:
                return None
            wait = row["locked_until"] - now()
            if wait > 0:
                raise ApprovalRefused(
                    "Too many wrong PINs.", next_step=f"The next try counts in {-(-wait // 1000)} seconds."
                )
            # Counted and locked before the PIN is compared: tries that run at once would all be free.
            failures = row["failures"] + 1
            values = {"failures": failures, "locked_until": now() + _lock(failures)}
            await connection.execute(signer.update().where(signer.c.id == _ID).values(values))
            return str(row["digest"])

    async def _row(self) -> Any:
        from deskclerk.desk.journal.tables import signer  # noqa: PLC0415

        database = await self._journal.database()
        async with database.reading() as connection:
            return (await connection.execute(signer.select().where(signer.c.id == _ID))).mappings().one()

    async def _write(self, **values: Any) -> None:
        from deskclerk.desk.journal.tables import signer  # noqa: PLC0415

        database = await self._journal.database()
        async with database.writing() as connection:
            await connection.execute(signer.update().where(signer.c.id == _ID).values(values))


def _lock(failures: int) -> int:
    """Milliseconds of lock-out after so many wrong tries: none at first, then doubling up to a day."""
    if failures < FREE_TRIES:
        return 0
    return int(min(_FIRST_LOCK * 2 ** min(failures - FREE_TRIES, 20), _LONGEST_LOCK))


def _tries(failures: int) -> str:
    left = FREE_TRIES - failures
    return f"{left} more before a lock-out." if left > 0 else "No more tries for a while."


def _hasher() -> "PasswordHash":
    from pwdlib import PasswordHash  # noqa: PLC0415 - only where a PIN is used
    from pwdlib.hashers.argon2 import Argon2Hasher  # noqa: PLC0415

    return PasswordHash((Argon2Hasher(),))
