"""`deskclerk help`: the pages of docs/, which come with the package, and the help of any command."""

import json
import sys
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from deskclerk.faces.cli.state import State, console
from deskclerk.system.terminals import is_terminal


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The pages, for the first word."""
    if ctx.params.get(param.name or ""):
        return []
    return [CompletionItem(name) for name in _topics() if name.startswith(incomplete)]


@click.command()
@click.argument("words", nargs=-1, metavar="[TOPIC | COMMAND…]", shell_complete=_complete)
@click.pass_context
def help_(ctx: click.Context, /, words: tuple[str, ...]) -> None:
    """Read a page of the documentation, or the help of a command; without a word: which pages there are."""
    state = ctx.ensure_object(State)
    topics = _topics()
    if not words:
        _list(state, topics)
    elif len(words) == 1 and words[0] in topics:
        _show(state, words[0], topics[words[0]])
    else:
        click.echo(_command_help(ctx, words, topics))


def _topics() -> dict[str, Path]:
    """The pages by name."""
    package = Path(__file__).parents[2]
    # In a checkout they stand beside src/, and nothing has packed them.
    folder = package / "docs" if (package / "docs").is_dir() else package.parents[1] / "docs"
    pages = sorted((*folder.glob("*.md"), *folder.glob("clients/*.md")), key=lambda file: file.stem)
    # The index is the site's list of pages.
    return {file.stem: file for file in pages if file.stem != "index"}


def _list(state: State, topics: dict[str, Path]) -> None:
    titles = {name: _title(file) for name, file in topics.items()}
    if state.as_json:
        for name, title in titles.items():
            click.echo(json.dumps({"topic": name, "title": title}, ensure_ascii=False))
        return
    formatter = click.HelpFormatter(max_width=100)
    with formatter.section("Pages, read with: deskclerk help TOPIC"):
        formatter.write_dl(list(titles.items()))
    click.echo(formatter.getvalue() + "\nOf a command: deskclerk help users ban")


def _title(file: Path) -> str:
    with file.open(encoding="utf-8") as lines:
        return next(lines).removeprefix("# ").strip()


def _show(state: State, name: str, file: Path) -> None:
    """The page: set for a screen, as it is in a pipe."""
    text = file.read_text("utf-8")
    if state.as_json:
        click.echo(json.dumps({"topic": name, "text": text}, ensure_ascii=False))
    elif is_terminal(sys.stdout):
        from rich.markdown import Markdown  # noqa: PLC0415 - only for a screen

        screen = console(sys.stdout)
        # Without styles: a pager such as `less` shows their codes as they are.
        with screen.pager():
            screen.print(Markdown(text, hyperlinks=False))
    else:
        click.echo(text, nl=False)


def _command_help(ctx: click.Context, words: tuple[str, ...], topics: dict[str, Path]) -> str:
    """What `--help` says of the command that these words are; NoSuchCommand names what is near."""
    at = ctx.find_root()
    for number, word in enumerate(words):
        group = at.command
        if not isinstance(group, click.Group):
            raise click.UsageError(f"{' '.join(words[:number])} has no commands of its own.", ctx)
        command = group.get_command(at, word)
        if command is None:
            near = [*(() if number else topics), *group.list_commands(at)]
            raise click.exceptions.NoSuchCommand(word, possibilities=near, ctx=at)
        at = click.Context(command, info_name=word, parent=at)
    return at.get_help()
