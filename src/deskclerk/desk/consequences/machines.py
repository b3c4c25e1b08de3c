"""What it means to take a machine, its key, its tokens or an API key away: what stops working, and when."""

from deskclerk.catalogue import (
    Action,
    CreateMachineScope,
    DeleteApiKey,
    DeleteMachine,
    DeleteMachineScope,
    RevokeApiKey,
    RevokeM2mToken,
    RotateMachineSecretKey,
)
from deskclerk.clerk.client import Clerk
from deskclerk.desk.consequences.default import Consequences, Removal, Values, says
from deskclerk.desk.view.cleaning import line_of


async def _who_it_calls(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del action, clerk
    names = [line_of(item.get("name")) for item in target.get("scoped_machines") or ()]
    return [f"can no longer call {', '.join(names)}" if names else "was allowed to call no other machine"]


class DeleteMachineConsequences(Removal, of=DeleteMachine):
    """Its key and its tokens go with it."""

    lost = "A machine made anew has another id and another key."
    reach = (
        ("machines", _who_it_calls),
        ("key", says("its secret key stops working at once: the service cannot mint tokens any more")),
    )


async def _until_when(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del clerk
    seconds = int(getattr(action, "previous_token_ttl", 0))
    name = line_of(target.get("name") or target.get("id"))
    when = f"holds for {seconds:,} seconds more" if seconds else "stops working at once"
    return [f"the old secret key of {name} {when}", "the new one goes to a person, not to the model"]


class RotateMachineSecretKeyConsequences(Consequences, of=RotateMachineSecretKey):
    """The old key is worthless after the time that is given."""

    lost = "The old key never works again after that."
    reach = (("the key", _until_when),)


class CreateMachineScopeConsequences(Consequences, of=CreateMachineScope):
    """One machine may call another."""

    reach = (("machines", says("each takes the other's tokens from then on")),)


class DeleteMachineScopeConsequences(Consequences, of=DeleteMachineScope):
    """One machine may call another no longer."""

    reach = (("machines", says("calls between the two are refused from then on")),)


class RevokeM2mTokenConsequences(Consequences, of=RevokeM2mToken):
    """A token is made anew by its machine."""

    lost = "The token never works again; its machine can mint another."


async def _whose_key(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del action, clerk
    scopes = ", ".join(map(line_of, target.get("scopes") or ())) or "none"
    return [
        f"of {line_of(target.get('subject'))}, with the scopes {scopes}",
        *(["it is revoked already"] if target.get("revoked") else []),
        *(["it has expired already"] if target.get("expired") else []),
        "whatever uses it is refused from then on",
    ]


class RevokeApiKeyConsequences(Consequences, of=RevokeApiKey):
    """The key is worthless and stays listed."""

    switches = ("revoked", True)
    lost = "The key never works again; another can be made."
    reach = (("the key", _whose_key),)


class DeleteApiKeyConsequences(Removal, of=DeleteApiKey):
    """The key is worthless and gone."""

    lost = "The key never works again; another can be made."
    reach = (("the key", _whose_key),)
