"""Whose yes counts in a workspace: members who may sign, as the workspace's policy has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from deskclerk.catalogue import DESTRUCTIVE
from deskclerk.database import Connection
from deskclerk.desk.approvals.rules import ENOUGH, Standing, Verdict
from deskclerk.desk.approvals.signatures import Decision, Signature
from deskclerk.desk.caller import Caller
from deskclerk.desk.plans.plan import Plan
from deskclerk.desk.plans.store import WAITING, StoredPlan
from deskclerk.desk.time_and_ids import now
from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.people.members import Members
from deskclerk.hosted.people.passkeys import Passkeys
from deskclerk.hosted.people.tables import signatures
from deskclerk.hosted.workspaces.policy import Role, WorkspacePolicy
from deskclerk.hosted.workspaces.store import WorkspaceStore

_SIGNS: tuple[Role, ...] = ("owner", "signer")
_ELSEWHERE = "Whoever may signs it on its page in the console."
_NOT_YOURS = "Only owners and signers of the workspace sign, and you are none."
_OWN = "In this workspace nobody signs what they or their own agents asked for."


@dataclass(frozen=True, slots=True)
class Wants:
    """What the signature on a plan takes: who at least, how many of them, and whether with a passkey."""

    by: Role = "signer"
    count: int = 1
    passkey: bool = False

    @classmethod
    def of(cls, policy: WorkspacePolicy, effect: str, instance: str) -> "Wants":
        """What the policy wants for an effect on an instance: its id, which begins with its kind."""
        if effect != DESTRUCTIVE:
            return cls()
        # On a live instance real users are reached; anywhere a passkey shows that it is no open browser.
        if instance.partition(":")[0] != "live":
            return cls(passkey=policy.destructive_passkey)
        return cls(policy.destructive_by, policy.destructive_signatures, policy.destructive_passkey)

    def words(self, given: int) -> str:
        """What is still wanted after so many signatures; empty where it is one of anybody who signs."""
        who = "owner" if self.by == "owner" else "person"
        if self.count - given > 1:
            text = f"Two different {'owners' if self.by == 'owner' else 'people'} have to sign it"
        elif given:
            text = f"Another {who} has to sign it too"
        elif self.by == "owner":
            text = "An owner has to sign it"
        else:
            return "It is signed with a passkey." if self.passkey else ""
        return f"{text}, each with a passkey." if self.passkey else f"{text}."


class MemberSigningRules:
    """The signing rules of one workspace's desks."""

    def __init__(
        self, hosted: HostedDatabase, workspaces: WorkspaceStore, workspace: str, passkeys: Passkeys
    ) -> None:
        self._database = hosted.of(workspace)
        self._workspaces = workspaces
        self._workspace = workspace
        self._members = Members(hosted, workspace)
        self._passkeys = passkeys

    async def judge(self, stored: StoredPlan, signature: Signature, signer: Caller) -> Verdict:
        """What a member's yes or no comes to. After the first of two the plan goes on waiting."""
        policy, roles = await self._rules()
        role = roles.get(signer.person or "")
        if signature.decision is Decision.DECLINED:
            return ENOUGH if role in _SIGNS else _refused(_NOT_YOURS)
        wants = Wants.of(policy, stored.plan.effect, stored.instance)
        if reason := _reason(policy, wants, role, signer.person, stored.caller.person):
            return _refused(reason)
        person = str(signer.person)
        if signature.pin is None and (wants.passkey or wants.count > 1):
            return _refused(wants.words(0))
        if wants.passkey and not signature.passkey:
            return _refused("It is signed with your passkey, and none was used.")
        # Looked at wherever there is one: what the journal says of it has to be true.
        if signature.passkey:
            await self._passkeys.check(person, stored.plan.id, stored.plan.digest, signature.passkey)
        if wants.count == 1:
            return ENOUGH

        async def keep(connection: Connection) -> Verdict:
            return await self._keep(connection, stored.plan, wants, roles, person=person, how=signature.how)

        return Verdict(counts=True, enough=False, why=wants.words(1), keep=keep)

    async def dialogue(self, plan: Plan, instance: str, asker: Caller) -> str:
        """Why the yes of the person in whose name a program asks would not sign; empty if it would."""
        policy, roles = await self._rules()
        wants = Wants.of(policy, plan.effect, instance)
        role = roles.get(asker.person or "")
        reason = _reason(policy, wants, role, asker.person, asker.person)
        return reason or (wants.words(0) if wants.passkey or wants.count > 1 else "")

    async def standings(self, plans: Sequence[StoredPlan], looker: Caller) -> dict[str, Standing]:
        """How plans stand for a member who looks at them."""
        policy, roles = await self._rules()
        given = await self._given([stored.plan for stored in plans if stored.status == WAITING])
        return {
            stored.plan.id: self._standing(stored, policy, roles, given.get(stored.plan.id, {}), looker)
            for stored in plans
        }

    async def given(self, plans: Sequence[str]) -> dict[str, int]:
        """How many have signed each plan so far, of whoever they are now."""
        query = select(signatures.c.plan, func.count().label("signatures")).where(
            signatures.c.plan.in_(plans)
        )
        async with self._database.reading() as connection:
            rows = await connection.execute(query.group_by(signatures.c.plan))
            return {row.plan: row.signatures for row in rows}

    @staticmethod
    def _standing(
        stored: StoredPlan,
        policy: WorkspacePolicy,
        roles: Mapping[str, Role],
        given: Mapping[str, str],
        looker: Caller,
    ) -> Standing:
        wants = Wants.of(policy, stored.plan.effect, stored.instance)
        counted = _counted(given, wants, roles)
        person = looker.person
        reason = _reason(policy, wants, roles.get(person or ""), person, stored.caller.person)
        if not reason and person in counted and len(counted) < wants.count:
            reason = "You have signed it; somebody else has to sign it too."
        return Standing(
            signed=tuple(counted.values()),
            wanted=wants.words(len(counted)) if stored.status == WAITING else "",
            may_sign=not reason,
            why_not=reason,
            passkey=wants.passkey,
        )

    @staticmethod
    async def _keep(
        connection: Connection, plan: Plan, wants: Wants, roles: Mapping[str, Role], *, person: str, how: str
    ) -> Verdict:
        """Keep one of several signatures; the workspace's write lock has the last one know it."""
        row = {"plan": plan.id, "person": person, "digest": plan.digest, "at": now(), "how": how}
        adding = insert(signatures).on_conflict_do_nothing().returning(signatures.c.person)
        first = (await connection.execute(adding, row)).first()
        # By the digest: after a step was struck out it is another plan that was signed.
        query = select(signatures).where(signatures.c.plan == plan.id, signatures.c.digest == plan.digest)
        rows = (await connection.execute(query.order_by(signatures.c.at))).mappings().all()
        counted = _counted({row["person"]: row["how"] for row in rows}, wants, roles)
        if len(counted) >= wants.count:
            return Verdict(counts=True, enough=True, how="; ".join(counted.values()))
        if first is None:
            return _refused("You have signed it; somebody else has to sign it too.")
        return Verdict(counts=True, enough=False, why=wants.words(len(counted)))

    async def _given(self, plans: Sequence[Plan]) -> dict[str, dict[str, str]]:
        """By plan and person: the signatures on what the plans show now."""
        if not plans:
            return {}
        digests = {plan.id: plan.digest for plan in plans}
        query = select(signatures).where(signatures.c.plan.in_(digests)).order_by(signatures.c.at)
        found: dict[str, dict[str, str]] = {}
        async with self._database.reading() as connection:
            for row in (await connection.execute(query)).mappings():
                if row["digest"] == digests[row["plan"]]:
                    found.setdefault(row["plan"], {})[row["person"]] = row["how"]
        return found

    async def _rules(self) -> tuple[WorkspacePolicy, dict[str, Role]]:
        # Each time anew: what an owner has just changed holds for the very next signature. The members are a
        # question of their own, since they are the workspace's and are asked for within it.
        return (await self._workspaces.load(self._workspace)).policy, await self._members.roles()


def _counted(given: Mapping[str, str], wants: Wants, roles: Mapping[str, Role]) -> dict[str, str]:
    """The signatures of those who may still give them."""
    return {person: how for person, how in given.items() if _may(roles.get(person), wants)}


def _may(role: Role | None, wants: Wants) -> bool:
    return role == "owner" or (role == "signer" and wants.by == "signer")


def _reason(
    policy: WorkspacePolicy, wants: Wants, role: Role | None, signer: str | None, asker: str | None
) -> str:
    """Why somebody may not sign a plan; empty if they may."""
    if role not in _SIGNS:
        return _NOT_YOURS
    if not policy.own_plans and signer == asker:
        return _OWN
    return "" if _may(role, wants) else "Only an owner signs what cannot be taken back on a live instance."


def _refused(why: str) -> Verdict:
    return Verdict(counts=False, enough=False, why=why, next_step=f"Nothing was signed. {_ELSEWHERE}")
