"""`deskclerk completion`: the script that lets a shell complete commands and options."""

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, /, shell: str) -> None:
    """Print the completion script of a shell.

    For bash: deskclerk completion bash > ~/.local/share/bash-completion/completions/deskclerk
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"There is no completion for {shell}.", ctx)
    script = kind(ctx.find_root().command, {}, "deskclerk", "_DESKCLERK_COMPLETE")
    click.echo(script.source_template % script.source_vars())
