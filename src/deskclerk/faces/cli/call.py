"""`deskclerk call`: an action by its name, with JSON arguments."""

from typing import Any

import click

from deskclerk.faces.cli.commands import yes_option
from deskclerk.faces.cli.state import State, json_option
from deskclerk.faces.cli.values import JsonText


@click.command(params=[yes_option(), json_option()])
@click.argument("name")
@click.argument("arguments", default="{}", metavar="[JSON|-|@FILE]")
@click.pass_context
def call(ctx: click.Context, /, name: str, arguments: str, *, yes: bool) -> None:
    """Carry out an action by its name.

    The arguments are a JSON object: as text, @FILE, or - for standard input.
    """
    from deskclerk.catalogue import BY_NAME  # noqa: PLC0415 - help needs no catalogue
    from deskclerk.faces.cli.perform import carry_out  # noqa: PLC0415

    action = BY_NAME.get(name) or BY_NAME.get(f"clerk_{name}")
    if action is None:
        raise click.UsageError(f"There is no action {name!r}.{_near(name, list(BY_NAME))}", ctx)
    given: Any = JsonText().convert(arguments, None, ctx)
    if not isinstance(given, dict):
        raise click.UsageError('The arguments are a JSON object, such as {"user_id": "user_…"}.', ctx)
    secrets = [
        key for key, item in action.parameters().items() if item.secret and not _may_be_seen(given.get(key))
    ]
    if secrets and not arguments.startswith(("@", "-")):
        raise click.UsageError(
            f"{', '.join(secrets)}: a secret is not taken from the command line, where the shell's history "
            "would keep it; give it as secret:NAME, or pass the arguments as @FILE or -.",
            ctx,
        )
    carry_out(ctx.ensure_object(State), action.parse(given), yes=yes)


def _may_be_seen(value: Any) -> bool:
    from deskclerk.catalogue.fields import is_reference  # noqa: PLC0415 - help needs no catalogue

    return not value or all(map(is_reference, value if isinstance(value, list) else [value]))


def _near(name: str, names: list[str]) -> str:
    import difflib  # noqa: PLC0415 - only a mistake needs it

    near = difflib.get_close_matches(name, names, n=3)
    return f" Did you mean {' or '.join(near)}?" if near else " `deskclerk actions` lists all."
