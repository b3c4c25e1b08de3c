"""What the members and agents of a workspace may ask for, and who signs it: its policy, kept as JSON."""

from typing import Any, Literal

from pydantic import Field, SecretStr

from deskclerk.errors import NextSteps
from deskclerk.settings import Named, Rules, Settings

Role = Literal["owner", "signer", "viewer"]
ROLES: tuple[Role, ...] = ("owner", "signer", "viewer")
"""An owner also changes the workspace itself, a signer signs, a viewer looks."""
OF_A_WORKSPACE = NextSteps(
    rules="Only an owner of the workspace can change this, on its page Policy.",
    caller_rules="Only an owner of the workspace can change this, on its page Agents.",
    higher="have an owner of the workspace raise it, on its page Policy",
    key="Make a new one in Clerk Dashboard, API Keys, Secret key; an owner of the workspace enters it on its "
    "page Instances, under Change.",
    address="An owner of the workspace checks the instance's address, on its page Instances: it is to be the "
    "origin of Clerk's Backend API, such as https://api.clerk.com, with no proxy that answers in its place.",
    connection="Ask again in a moment. If it stays so, an owner of the workspace checks the instance's "
    "address, on its page Instances, and whoever runs this desk its network.",
)
"""Who changes what for a workspace of a hosted desk."""


class WorkspacePolicy(Rules):
    """A workspace's own rules, with what else an operator of one machine sets for the one desk there.

    `access`, `tools`, `deny` and `toolsets` are as in the settings file.
    """

    read_only: bool = False
    confirm: Literal["write", "destructive"] = "write"
    """From which effect on somebody signs; nothing destructive happens unsigned in a workspace."""
    destructive_per_hour: int = Field(default=100, ge=0)
    items_per_job: int = Field(default=100_000, ge=1)
    approval_seconds: int = Field(default=600, ge=10, le=86400)
    approval_wait: float = Field(default=20.0, ge=0, le=60)
    secrets: Literal["allow", "reference"] = "reference"
    destructive_by: Literal["signer", "owner"] = "signer"
    """Who at least signs what cannot be taken back, on a live instance."""
    destructive_signatures: int = Field(default=1, ge=1, le=2)
    """How many different people sign what cannot be taken back, on a live instance."""
    destructive_passkey: bool = False
    """Whether what cannot be taken back wants the signer's passkey, on every instance."""
    own_plans: bool = True
    """Whether people sign what their own agents ask for."""

    def settings(
        self, instance: str, key: SecretStr, api_url: str | None, rules: Rules, agents: dict[str, Rules]
    ) -> Settings:
        """The settings of a desk for one instance of the workspace; `agents` are rules by agents' names."""
        ours = self.model_dump(
            exclude={"destructive_by", "destructive_signatures", "destructive_passkey", "own_plans"}
        )
        named = Named(secret_key=key, api_url=api_url, **rules.model_dump())
        given: dict[str, Any] = {"instance": instance, "instances": {instance: named}, "callers": agents}
        return Settings(handover="console", **ours, **given)
