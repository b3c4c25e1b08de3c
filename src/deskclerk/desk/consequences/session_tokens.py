"""What it means to mint a token of a session: whoever holds it is its user until it ends."""

from typing import Any

from deskclerk.catalogue import Action, CreateSessionToken, CreateTemplateToken, GetUser
from deskclerk.clerk.client import Clerk
from deskclerk.desk.consequences.default import Consequences, Values, says
from deskclerk.desk.consequences.targets import display_name, parties


async def _whose(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del action
    user = await clerk.perform(GetUser(user_id=str(target.get("user_id"))))
    return [f"whoever holds it is {display_name(user)} to every server that checks it, until it ends"]


class _Minting(Consequences):
    """Nothing changes in Clerk, and a token cannot be revoked."""

    reach = (("whose session it is", _whose), ("token", says("it goes to a person, not to the model")))

    async def targets(self, action: Action, clerk: Clerk) -> list[dict[str, Any]]:
        """The session."""
        return await parties(action, clerk)

    def reversible(self, action: Action) -> str:
        """It ends by itself."""
        del action
        return "A token cannot be revoked; it ends by itself, soon unless another time is asked for."


class CreateSessionTokenConsequences(_Minting, of=CreateSessionToken):
    """A plain token."""


class CreateTemplateTokenConsequences(_Minting, of=CreateTemplateToken):
    """A token with a template's claims."""
