"""What it means to change an enterprise connection: who signs in through it."""

from collections.abc import Mapping

from deskclerk.catalogue import (
    Action,
    CountUsers,
    CreateAdminPortalLink,
    CreateEnterpriseConnection,
    DeleteEnterpriseConnection,
    DeleteSamlConnection,
    RevokeAdminPortalLink,
    UpdateEnterpriseConnection,
    UpdateSamlConnection,
)
from deskclerk.clerk.client import Clerk
from deskclerk.desk.consequences.default import Consequences, Creation, Removal, Update, Values, says
from deskclerk.desk.view.cleaning import line_of

_MOST_DOMAINS = 5
"""For each the users are counted: a preview may cost so many requests and no more."""


async def people_at(domains: list[str], clerk: Clerk) -> list[str]:
    """How many users have an address at each of these domains, a sentence each."""
    lines = []
    for domain in domains[:_MOST_DOMAINS]:
        answer = await clerk.perform(CountUsers(email_address_query=f"@{domain}"))
        number = answer.get("total_count") if isinstance(answer, Mapping) else None
        lines.append(f"{number} users have an address at {line_of(domain)}")
    more = len(domains) - _MOST_DOMAINS
    return [*lines, *([f"{more} domains more (not looked at)"] if more > 0 else [])]


async def who_signs_in_through_it(action: Action, target: Values, clerk: Clerk) -> list[str]:
    """Whom the connection signs in, as far as Clerk counts them, and whom its domains concern."""
    count = target.get("user_count")
    counted = [f"{count} users sign in through it"] if isinstance(count, int) else []
    domains = [str(domain) for domain in target.get("domains") or ()]
    given = [str(domain) for domain in getattr(action, "domains", None) or ()]
    lost = [domain for domain in domains if given and domain not in given]
    added = [domain for domain in given if domain not in domains]
    told = await people_at(lost + added or domains, clerk)
    return [
        *counted,
        *told,
        *([f"no longer for {', '.join(map(line_of, lost))}"] if lost else []),
        *([f"from now on for {', '.join(map(line_of, added))}"] if added else []),
        *(["nobody can sign in through it while it is off"] if _turns(action, on=False, was=target) else []),
        *(["they have to sign in through it"] if _turns(action, on=True, was=target) else []),
    ]


def _turns(action: Action, *, on: bool, was: Values) -> bool:
    return getattr(action, "active", None) is on and was.get("active") is not on


class CreateEnterpriseConnectionConsequences(Creation, of=CreateEnterpriseConnection):
    """Whoever has an address at its domains signs in through it, once it is active."""

    known_by = "name"
    reach = (("users", who_signs_in_through_it),)


class UpdateEnterpriseConnectionConsequences(Update, of=UpdateEnterpriseConnection):
    """Its halves are answered under other names than they are given by."""

    reach = (("users", who_signs_in_through_it),)


_SIGNED_IN = says("who signs in through it alone cannot sign in any more")


class DeleteEnterpriseConnectionConsequences(Removal, of=DeleteEnterpriseConnection):
    """The identity provider has to be connected anew, with another address."""

    lost = "The connection can be made anew, with another id and another address at the identity provider."
    reach = (("users", who_signs_in_through_it), ("sign-in", _SIGNED_IN))


class UpdateSamlConnectionConsequences(Update, of=UpdateSamlConnection):
    """The older view of an enterprise connection."""

    reach = (("users", who_signs_in_through_it),)


class DeleteSamlConnectionConsequences(Removal, of=DeleteSamlConnection):
    """As of an enterprise connection."""

    lost = "The connection can be made anew, with another id and another address at the identity provider."
    reach = (("users", who_signs_in_through_it), ("sign-in", _SIGNED_IN))


class CreateAdminPortalLinkConsequences(Creation, of=CreateAdminPortalLink):
    """A link is as good as a key to an organization's single sign-on."""

    undone_by = RevokeAdminPortalLink
    reach = (
        ("the link", says("whoever opens it can set up how this organization's people sign in")),
        ("handing over", says("the link goes to a person, not to the model")),
    )


class RevokeAdminPortalLinkConsequences(Consequences, of=RevokeAdminPortalLink):
    """A link is made anew with another id."""

    lost = "The link never works again; another can be made."
