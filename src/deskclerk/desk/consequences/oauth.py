"""What it means to rotate a client secret, to revoke a token, to change what holds for all applications."""

from deskclerk.catalogue import (
    Action,
    ListClients,
    RevokeOauthToken,
    RotateClientSecret,
    SetClientLogo,
    UpdateOauthSettings,
)
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import page_of
from deskclerk.desk.consequences.default import Consequences, Update, Values, count_of, says
from deskclerk.desk.view.cleaning import line_of


async def _who_holds_the_secret(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del action, clerk
    if target.get("public"):
        return ["it is a public application: no server holds its secret"]
    name = line_of(target.get("name") or target.get("client_id"))
    return [
        f"the old secret stops working at once: nobody signs in to {name} until its server has the new one",
        "the new secret goes to a person, not to the model",
    ]


class RotateClientSecretConsequences(Consequences, of=RotateClientSecret):
    """The old secret is worthless from now on."""

    lost = "The old secret never works again."
    reach = (("the application", _who_holds_the_secret),)


class RevokeOauthTokenConsequences(Consequences, of=RevokeOauthToken):
    """The token is worthless, and what was made with it stays."""

    lost = "The token never works again."
    reach = (("the token", says("whoever holds it has to be let in by its user again")),)


class SetClientLogoConsequences(Consequences, of=SetClientLogo):
    """The picture before is not kept."""

    lost = "The old logo is not kept."


async def _applications(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del target
    page = page_of(await clerk.perform(ListClients(limit=1)))
    lines = [f"holds for {count_of(page, 'OAuth application', 'OAuth applications')}, and those to come"]
    if getattr(action, "dynamic_oauth_client_registration", None):
        lines.append("anybody can then register an application by themselves")
    return lines


class UpdateOauthSettingsConsequences(Update, of=UpdateOauthSettings):
    """What holds for every application at once."""

    reach = (("applications", _applications),)
