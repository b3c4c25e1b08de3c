"""The command line from its first word to its exit code: what there is, and the flags that count for all."""

import builtins
import gc
import importlib
import keyword
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from deskclerk.faces.cli.failures import DONE, exit_code, report
from deskclerk.faces.cli.state import State, json_option, set_option, setting_options
from deskclerk.system.terminals import reader_has_gone, silence, speak_utf8
from deskclerk.version import __version__

_OTHERS = {
    "actions": "actions",
    "approve": "approvals",
    "bulk": "jobs",
    "call": "actions",
    "changes": "jobs",
    "completion": "main",
    "console": "serve",
    "demo": "demo",
    "doctor": "doctor",
    "export": "jobs",
    "help": "guides",
    "hosted": "hosted",
    "import": "jobs",
    "install": "install.command",
    "jobs": "jobs",
    "journal": "journal",
    "mcp": "serve",
    "notify": "notify",
    "pending": "approvals",
    "reject": "approvals",
    "sandbox": "sandbox",
    "secret": "secret",
    "serve": "serve",
    "signer": "approvals",
    "undo": "journal",
}
"""The commands beside those of Clerk's operations, and the module that holds each."""


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
            # One command's module and no other's: help and completion stay quick.
            module = importlib.import_module(f"deskclerk.faces.cli.{_OTHERS[cmd_name]}")
            # A word of Python's own has a name with a line behind it.
            own = keyword.iskeyword(cmd_name) or hasattr(builtins, cmd_name)
            name = f"{cmd_name}_" if own else cmd_name
            command: click.Command = getattr(module, name)
            return command
        from deskclerk.faces.cli.commands import resource_group  # noqa: PLC0415

        return resource_group(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the words begin with; of one that is not known the error names what is near."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            # Click looks among the commands that are made, and here each is made when it is asked for.
            raise click.exceptions.NoSuchCommand(
                error.command_name, possibilities=self.list_commands(ctx), ctx=ctx
            ) from None

    def invoke(self, ctx: click.Context) -> Any:
        """A reader that has enough (`| head`) ends a command quietly; what it did is done."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if not reader_has_gone(error):
                raise
            silence(sys.stdout)
            return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """What the core has of Clerk, what Clerk has beyond it, and what the desk adds."""
        from deskclerk.faces.cli.commands import is_core  # noqa: PLC0415 - the catalogue takes a moment

        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, command.get_short_help_str(200)) for name, command in found if command]
        with formatter.section("Clerk"):
            formatter.write_dl([row for row in rows if row[0] not in _OTHERS and is_core(row[0])])
        with formatter.section("More of Clerk"):
            formatter.write_dl([row for row in rows if row[0] not in _OTHERS and not is_core(row[0])])
        with formatter.section("The desk"):
            formatter.write_dl([row for row in rows if row[0] in _OTHERS])


def _root(**_: Any) -> None:
    """All that a Clerk instance can be asked; a person signs every write.

    Without a secret key (CLERK_SECRET_KEY) everything works on a sandbox, a local Clerk.
    """


_DEBUG = click.Option(
    ["--debug"], is_flag=True, expose_value=False, callback=set_option, help="Show where a failure arose."
)
_VERSION = click.version_option(__version__, prog_name="deskclerk", message="%(prog)s %(version)s")

_SERVING = frozenset({"console", "sandbox", "serve", "work"})
_OBJECTS_BETWEEN = 300_000
"""Objects made between two searches for those that are not used any more."""

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


def run(arguments: Sequence[str] | None = None) -> None:
    """Run one command line and leave the process."""
    # A command makes much and lets go of little: looking for what it let go of takes a tenth of its time.
    # What serves for days looks as often as Python does by itself; `mcp` does so when it has started.
    if not _SERVING.intersection(sys.argv[1:] if arguments is None else arguments):
        gc.set_threshold(_OBJECTS_BETWEEN)
    speak_utf8()
    code = main(arguments)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            if not reader_has_gone(error):
                raise
            silence(stream)
    # Everything is closed and written: taking the modules down one by one would take longer than a command.
    os._exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    state = State()
    # A command line that cannot be parsed still has its error in the form that it asks for.
    state.as_json = "--json" in words
    try:
        code = cli.main(words, prog_name="deskclerk", obj=state, standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout)
        return DONE
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except BaseException as error:  # noqa: BLE001 - whatever it is, it ends in an exit code
        report(error, state)
        return exit_code(error)
    return code if isinstance(code, int) else DONE


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, /, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    deskclerk completion bash > ~/.local/share/bash-completion/completions/deskclerk
    deskclerk completion zsh > "${fpath[1]}/_deskclerk"
    deskclerk completion fish > ~/.config/fish/completions/deskclerk.fish
    """  # noqa: D301 - click's mark for lines that stay as they are
    from click.shell_completion import get_completion_class  # noqa: PLC0415

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"There is no completion for {shell}.", ctx)
    script = kind(ctx.find_root().command, {}, "deskclerk", "_DESKCLERK_COMPLETE")
    click.echo(script.source_template % script.source_vars())
