"""What it means to take a machine, its key, its tokens or an API key away: what stops working, and when."""

from typing import Any

from deskclerk.catalogue import (
    Action,
    CreateApiKey,
    CreateMachineScope,
    DeleteApiKey,
    DeleteMachine,
    DeleteMachineScope,
    RevokeApiKey,
    RevokeM2mToken,
    RotateMachineSecretKey,
)
from deskclerk.clerk.client import Clerk
from deskclerk.desk.consequences.default import Consequences, Creation, Removal, Values, says
from deskclerk.desk.consequences.inverse import Event, Inverse
from deskclerk.desk.consequences.targets import named
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


_OTHER: dict[type[Action], str] = {
    CreateMachineScope: "to_machine_id",
    DeleteMachineScope: "other_machine_id",
}


async def _which_two(action: Action, target: Values, clerk: Clerk) -> list[str]:
    other = await named(getattr(action, _OTHER[type(action)]), clerk)
    does = "takes" if isinstance(action, CreateMachineScope) else "takes no longer"
    return [f"{line_of(target.get('name'))} {does} tokens of {other}, and the other way round"]


class _Scope(Consequences):
    """Whether two machines may call each other: each way is taken back by the other."""

    reach = (("machines", _which_two),)

    def inverse(
        self, intent: Event, outcome: Event, current: dict[str, Any] | None, given: Values
    ) -> Inverse:
        """The other way, for the same two."""
        del outcome, current, given
        asked, back = intent["arguments"], self.way_back()
        assert back is not None  # noqa: S101 - both name their way back
        ids = {"machine_id": asked["machine_id"], _OTHER[back]: asked[_OTHER[self.action]]}
        return Inverse(back.parse(ids), ())


class CreateMachineScopeConsequences(_Scope, of=CreateMachineScope):
    """They may from now on."""

    undone_by = DeleteMachineScope


class DeleteMachineScopeConsequences(_Scope, of=DeleteMachineScope):
    """They may no longer."""

    undone_by = CreateMachineScope


class RevokeM2mTokenConsequences(Consequences, of=RevokeM2mToken):
    """A token is made anew by its machine."""

    lost = "The token never works again; its machine can mint another."


async def _whose_key(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del action
    scopes = ", ".join(map(line_of, target.get("scopes") or ())) or "none"
    return [
        f"of {await named(target.get('subject'), clerk)}, with the scopes {scopes}",
        *(["it is revoked already"] if target.get("revoked") else []),
        *(["it has expired already"] if target.get("expired") else []),
        "whatever uses it is refused from then on",
    ]


async def _for_whom(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del target
    return [
        f"whoever has it acts for {await named(getattr(action, 'subject', ''), clerk)}",
        "it goes to a person, not to the model",
    ]


class CreateApiKeyConsequences(Creation, of=CreateApiKey):
    """A key for somebody."""

    reach = (("the key", _for_whom),)


class RevokeApiKeyConsequences(Consequences, of=RevokeApiKey):
    """The key is worthless and stays listed."""

    switches = ("revoked", True)
    lost = "The key never works again; another can be made."
    reach = (("the key", _whose_key),)


class DeleteApiKeyConsequences(Removal, of=DeleteApiKey):
    """The key is worthless and gone."""

    lost = "The key never works again; another can be made."
    reach = (("the key", _whose_key),)
