"""The root of the command line: what there is, and the flags that count for all of it."""

import importlib
import sys
from typing import Any

import click

from deskclerk.faces.cli.state import json_option, set_option, setting_options, silence
from deskclerk.version import __version__

_OTHERS = {
    "actions": "actions",
    "approve": "pending",
    "call": "call",
    "completion": "completion",
    "console": "console",
    "demo": "demo",
    "doctor": "doctor",
    "journal": "journal",
    "mcp": "serve",
    "pending": "pending",
    "reject": "pending",
    "sandbox": "sandbox",
    "secret": "secret",
    "serve": "serve",
    "signer": "signer",
    "undo": "undo",
}
"""The commands beside the 48, and the module that holds each."""


class Root(click.Group):
    """Finds a command when it is asked for: `--version` waits for none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every resource in the catalogue's order, then the other commands."""
        del ctx
        from deskclerk.faces.cli.commands import resources  # noqa: PLC0415 - the catalogue takes a moment

        return [*resources(), *_OTHERS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; None if there is none."""
        del ctx
        if cmd_name in _OTHERS:
            module = importlib.import_module(f"deskclerk.faces.cli.{_OTHERS[cmd_name]}")
            command: click.Command = getattr(module, cmd_name)
            return command
        from deskclerk.faces.cli.commands import resource_group  # noqa: PLC0415

        return resource_group(cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """A reader that has enough (`| head`) ends a command quietly; what it did is done."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            silence(sys.stdout)
            return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Two sections: what Clerk has, and what the desk adds."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, command.get_short_help_str(200)) for name, command in found if command]
        with formatter.section("Clerk"):
            formatter.write_dl([row for row in rows if row[0] not in _OTHERS])
        with formatter.section("The desk"):
            formatter.write_dl([row for row in rows if row[0] in _OTHERS])


def _root(**_: Any) -> None:
    """The 48 actions of a Clerk instance; a person signs every write.

    Without a secret key (CLERK_SECRET_KEY) everything works on a sandbox, a local Clerk.
    """


_DEBUG = click.Option(
    ["--debug"], is_flag=True, expose_value=False, callback=set_option, help="Show where a failure arose."
)
_VERSION = click.version_option(__version__, prog_name="deskclerk", message="%(prog)s %(version)s")

cli: click.Group = _VERSION(
    Root(
        "deskclerk",
        callback=_root,
        help=_root.__doc__,
        params=[*setting_options(), json_option(), _DEBUG],
        epilog="Exit codes: 0 done, 1 failed, 2 usage, 4 key rejected, 8 waits for approval.",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
)
