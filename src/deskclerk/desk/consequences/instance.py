"""What it means to change the instance itself: what changes for everybody."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from deskclerk.catalogue import (
    Action,
    ChangeInstanceDomain,
    ChangeInstanceDomainBeta,
    CountUsers,
    CreateSvixApp,
    DeleteRedirectUrl,
    DeleteSvixApp,
    ListAllowlist,
    ListOrganizations,
    UpdateInstance,
    UpdateOrgSettings,
    UpdateProtectSettings,
    UpdateRestrictions,
    UpdateSignUpSettings,
)
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import page_of
from deskclerk.desk.consequences.default import (
    Consequences,
    Creation,
    FindReach,
    Removal,
    Update,
    Values,
    count_of,
    says,
)


async def everybody(action: Action, target: Values, clerk: Clerk) -> list[str]:
    """For how many users the instance's settings hold."""
    del action, target
    answer = await clerk.perform(CountUsers())
    number = answer.get("total_count") if isinstance(answer, Mapping) else None
    return [f"holds for all {number:,} users" if isinstance(number, int) else "holds for every user"]


async def _who_may_sign_up(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del target
    if getattr(action, "allowlist", None) is not True:
        return []
    page = page_of(await clerk.perform(ListAllowlist(limit=1)))
    return [f"only what is on the allow-list can sign up: {count_of(page, 'entry', 'entries')}"]


class _OfEverybody(Update):
    """Settings whose old values Clerk may not answer: then nothing can be put back."""

    reach: ClassVar[Sequence[tuple[str, FindReach]]] = (("users", everybody),)

    async def targets(self, action: Action, clerk: Clerk) -> list[dict[str, object]]:
        """What is set now, where Clerk can be asked."""
        try:
            return await super().targets(action, clerk)
        except LookupError:
            return []

    def reversible(self, action: Action) -> str:
        """Only where old and new have the same names."""
        del action
        return "Can be set back by the same action; Clerk does not tell every old value, so note them first."


class UpdateInstanceConsequences(_OfEverybody, of=UpdateInstance):
    """The instance's own settings."""


class UpdateRestrictionsConsequences(_OfEverybody, of=UpdateRestrictions):
    """Who may sign up, and sign in."""

    reach = (("users", everybody), ("sign-up", _who_may_sign_up))


class UpdateSignUpSettingsConsequences(_OfEverybody, of=UpdateSignUpSettings):
    """Who may sign up, and how."""


class UpdateProtectSettingsConsequences(Update, of=UpdateProtectSettings):
    """What is refused before it signs in."""

    reach = (("users", everybody),)


async def _every_organization(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del action, target
    page = page_of(await clerk.perform(ListOrganizations(limit=1)))
    return [f"holds for {count_of(page, 'organization', 'organizations')}"]


async def _while_they_are_off(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del target, clerk
    off = getattr(action, "enabled", None) is False
    return ["no organization can be used while they are off"] if off else []


class UpdateOrgSettingsConsequences(Update, of=UpdateOrgSettings):
    """What holds for all organizations."""

    reach = (("organizations", _every_organization), ("use", _while_they_are_off))


_MOVES = (
    ("users", everybody),
    ("sign-in", says("every session ends, and every address with the old domain stops working")),
    ("DNS", says("the new domain's DNS records have to be set before anybody can sign in")),
)


class ChangeInstanceDomainConsequences(Consequences, of=ChangeInstanceDomain):
    """A production instance moves."""

    lost = "It can be moved back, which ends every session again."
    reach = _MOVES


class ChangeInstanceDomainBetaConsequences(Consequences, of=ChangeInstanceDomainBeta):
    """A production instance moves."""

    lost = "It can be moved back, which ends every session again."
    reach = _MOVES


class CreateSvixAppConsequences(Creation, of=CreateSvixApp):
    """Webhooks are on once endpoints are set up on the page that the link opens."""

    undone_by = DeleteSvixApp
    reach = (("the link", says("the link goes to a person, not to the model")),)


class DeleteSvixAppConsequences(Consequences, of=DeleteSvixApp):
    """Endpoints are kept nowhere else."""

    lost = "Every endpoint is deleted, with its secret and its history."
    reach = (("webhooks", says("no program is told of anything any more")),)


class DeleteRedirectUrlConsequences(Removal, of=DeleteRedirectUrl):
    """A URL is known by itself."""

    known_by = "url"
    reach = (("apps", says("native apps that send users there are refused")),)
