"""An agent as a request of its is let in: whose, for what, and what narrows it."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from deskclerk.catalogue import Action, Effect
from deskclerk.desk.caller import MODELS, Caller, PlacedRules
from deskclerk.errors import NotAllowed
from deskclerk.hosted.agents.scopes import lacking, rules_of
from deskclerk.hosted.workspaces.policy import OF_A_WORKSPACE, Role
from deskclerk.settings import Rules

SCOPE = "deskclerk.agent"
"""Where a request's scope keeps its agent."""
_ONLY_READS: Role = "viewer"
_WIDER_GRANT = "Whoever is signed in lets the client have a token with further scopes."
_WIDER_SCOPES = "Only an owner of the workspace can make a token with further scopes, on its page Agents."
_ANOTHER_ROLE = "Only an owner of the workspace can make the viewer a signer, on its page Members."
_RANK = {Effect.READ: 0, Effect.WRITE: 1, Effect.DESTRUCTIVE: 2}


class AgentRules(Rules):
    """What an agent may ask for, and whether a person may sign in its own dialogue."""

    dialogue: bool = False
    """Off: what it asks for waits for a person in the console, whatever its client answers.

    A program that holds a token by itself could answer its own question, so it is off until an owner says
    that a person sits before it.
    """

    @property
    def alone(self) -> Rules:
        """The rules without what the desk has no word for."""
        return Rules(**self.model_dump(exclude={"dialogue"}))


@dataclass(frozen=True, slots=True)
class Agent:
    """Who a request over HTTP comes from.

    `person` is the member in whose name it asks, `role` what that member is in the workspace; `credential`
    the OAuth client's id or the token's id, `version` that of the workspace. `scopes` are those of its token;
    None where the issuer gives none of ours, and the agent's rules alone count. `again` lets it in once more,
    or raises why not.
    """

    workspace: str
    slug: str
    instance: str
    person: str
    role: Role
    name: str
    credential: str
    rules: AgentRules
    scopes: frozenset[str] | None
    oauth: bool
    version: int
    again: "Callable[[], Awaitable[Agent]] | None" = field(default=None, compare=False, repr=False)

    @property
    def caller(self) -> Caller:
        """Who asks, for the desk."""
        rules = tuple(self._narrowed())
        return Caller(MODELS, token=self.name, person=self.person, rules=rules, check_still=self._check_still)

    async def _check_still(self) -> None:
        """Whether it would be let in now as it was; what keeps it out is raised as it is told at the door."""
        if self.again and await self.again() != self:
            raise NotAllowed(
                "What this agent may do, or its workspace, was changed while the call waited to be signed.",
                next_step="Nothing was sent, and the signature is kept. Call the tool again: what is set now "
                "counts.",
            )

    @property
    def dialogue(self) -> bool:
        """Whether a person may sign in its client's own dialogue."""
        return self.rules.dialogue and self.role != _ONLY_READS

    @property
    def principal(self) -> str:
        """Who alone may come back with what was put into this agent's hands."""
        return f"{self.workspace} {self.instance} {self.person} {self.name} {self.credential}"

    def steps_up_for(self, action: type[Action]) -> tuple[str, ...]:
        """The scopes that a new token would need for this action; empty where none would help."""
        if not self.oauth or self.scopes is None:
            return ()
        widest = [self.rules.access, *(["read"] if self.role == _ONLY_READS else [])]
        if any(_RANK[action.spec.effect] > _RANK[Effect(access)] for access in widest):
            return ()
        return lacking(self.scopes, action)

    def _narrowed(self) -> Iterator[PlacedRules]:
        yield PlacedRules(f" for agent {self.name}", self.rules.alone, OF_A_WORKSPACE.caller_rules)
        if self.scopes is not None:
            step = _WIDER_GRANT if self.oauth else _WIDER_SCOPES
            yield PlacedRules(" by the scopes of its token", rules_of(self.scopes), step)
        if self.role == _ONLY_READS:
            yield PlacedRules(" for a viewer", Rules(access="read"), _ANOTHER_ROLE)
