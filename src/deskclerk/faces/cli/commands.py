"""The commands of Clerk's operations: one group a resource, one command an action."""

from collections.abc import Callable
from typing import Any

import click

from deskclerk.catalogue import CORE, EVERY_ACTION, READ, Action, Effect
from deskclerk.faces.cli.options import arguments_of, click_parameters, legend
from deskclerk.faces.cli.state import State, json_option
from deskclerk.faces.command_words import required_options

_SIGNING = {
    Effect.READ: "",
    Effect.WRITE: "A write: you are shown what changes and asked to sign it.",
    Effect.DESTRUCTIVE: "Cannot be taken back: you are asked to type the target's name, address or id.",
}
_YES = (
    "Sign it without being asked: on the sandbox only, and where a signer's PIN is set by the PIN alone. "
    "Elsewhere it signs nothing."
)


class Ordered(click.Group):
    """A group whose commands stand in the catalogue's order."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands as they were added."""
        del ctx
        return list(self.commands)


def resources() -> dict[str, list[type[Action]]]:
    """The actions by resource, in the catalogue's order."""
    found: dict[str, list[type[Action]]] = {}
    for action in EVERY_ACTION:
        found.setdefault(action.spec.resource.plural, []).append(action)
    return found


def is_core(plural: str) -> bool:
    """Whether a resource is among those of the core, or holds only what goes beyond it."""
    return any(action.spec.toolset == CORE for action in resources().get(plural, ()))


def resource_group(plural: str) -> click.Group | None:
    """The group of a resource, such as `users`; None if there is no such resource."""
    actions = resources().get(plural)
    if actions is None:
        return None
    verbs = ", ".join(action.spec.verb for action in actions)
    title = actions[0].spec.resource.one
    group = Ordered(plural, help=f"{title[0].upper()}{title[1:]}: {verbs}.", short_help=verbs)
    for action in actions:
        group.add_command(action_command(action))
    return group


def action_command(action: type[Action]) -> click.Command:
    """The command of one action."""
    spec = action.spec
    routes = ", ".join(map(str, spec.routes))
    parts = [legend(action), _SIGNING[spec.effect], f"Action {spec.name} ({routes})."]
    return click.Command(
        spec.verb,
        params=[*click_parameters(action), *_common(action)],
        callback=_callback(action),
        help=action.summary(),
        epilog="\n\n".join(part for part in parts if part),
        options_metavar=" ".join([*required_options(action), "[OPTIONS]"]),
    )


def yes_option(text: str = _YES) -> click.Option:
    """`--yes`, for every command that signs."""
    return click.Option(["--yes"], is_flag=True, help=text)


def _common(action: type[Action]) -> list[click.Option]:
    options = [json_option()]
    if action.spec.is_list:
        every = click.Option(["--all", "every"], is_flag=True, help="Follow every page to the end.")
        options.insert(0, every)
    if action.spec.effect is not READ:
        options.insert(0, yes_option())
    return options


def _callback(action: type[Action]) -> Callable[..., None]:
    @click.pass_context
    def command(ctx: click.Context, /, *, yes: bool = False, every: bool = False, **typed: Any) -> None:
        from deskclerk.faces.cli.perform import carry_out  # noqa: PLC0415 - help needs no desk

        carry_out(ctx.ensure_object(State), action, arguments_of(action, typed), yes=yes, every=every)

    return command
