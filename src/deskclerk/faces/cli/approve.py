"""A person's signature at the terminal: what will change is shown, and the answer is typed."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from deskclerk.catalogue import BY_NAME, Effect
from deskclerk.desk import Decision, Plan, Signature
from deskclerk.desk.clean import clean_text
from deskclerk.faces.cli.state import console, is_terminal

if TYPE_CHECKING:
    from rich.text import Text

_LONGEST = 200
_SHORTEST_NAME = 4
"""A shorter name could be what a hand types without looking: `y`, `yes`."""


class Terminal:
    """Asks whoever sits at the terminal; `yes` signs without asking, as `--yes` says.

    Where nobody sits, nothing is signed. `decision` keeps what was said.
    """

    def __init__(self, *, yes: bool) -> None:
        self._yes = yes
        self.decision: Decision | None = None

    async def __call__(self, plan: Plan) -> Signature:
        """The person's answer to one plan."""
        signature = self._answer(plan)
        self.decision = signature.decision
        return signature

    def _answer(self, plan: Plan) -> Signature:
        if self._yes:
            if is_terminal(sys.stderr):
                show(plan, sys.stderr)
            return Signature(Decision.APPROVED, "command line --yes")
        if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
            return Signature(Decision.DISMISSED, "nobody at a terminal")
        show(plan, sys.stderr)
        typed = ask(plan)
        if typed is None:
            return Signature(Decision.DISMISSED, "terminal")
        signed = typed.strip() in words_that_sign(plan)
        return Signature(Decision.APPROVED if signed else Decision.DECLINED, "terminal")


def words_that_sign(plan: Plan) -> tuple[str, ...]:
    """What a person types to sign: `yes`; for what cannot be taken back, the target's id or its name."""
    names = BY_NAME[plan.action].spec.route.names
    if plan.effect is not Effect.DESTRUCTIVE or not names:
        return ("yes",)
    target = str(plan.arguments[names[-1]])
    name = plan.target.removesuffix(f" ({target})")
    return (target, name) if name != plan.target and len(name) >= _SHORTEST_NAME else (target,)


def ask(plan: Plan) -> str | None:
    """The line that the person types; None if the dialogue is closed (Ctrl-C, Ctrl-D)."""
    words = " or ".join(words_that_sign(plan))
    try:
        with _interruptible():
            console(sys.stderr).print(f"To sign it, type {words}; anything else declines.")
            sys.stderr.write("> ")
            sys.stderr.flush()
            typed = sys.stdin.readline()
    except KeyboardInterrupt:
        typed = ""
    if not typed.endswith("\n"):
        sys.stderr.write("\n")
    return typed or None


def show(plan: Plan, stream: TextIO) -> None:
    """The plan as a person reads it: what, where, on what, and what will be different."""
    from rich.padding import Padding  # noqa: PLC0415 - only where something is drawn
    from rich.text import Text  # noqa: PLC0415

    out = console(stream)
    colour = "red" if plan.effect is Effect.DESTRUCTIVE else "yellow"
    out.print()
    out.print(Text.assemble((plan.heading, f"bold {colour}"), " on ", (plan.instance, "bold")))
    out.print(Padding(Text(plan.summary, style="dim"), (0, 0, 0, 2)))
    if plan.target:
        out.print(Padding(Text(f"Target: {plan.target}"), (0, 0, 0, 2)))
    for change in plan.changes:
        line = changed(f"{change.field}: ", change.old, change.new)
        out.print(Padding(line, (0, 0, 0, 2)))
    if plan.effect is Effect.DESTRUCTIVE:
        out.print(Padding(Text("This cannot be taken back.", style="bold red"), (0, 0, 0, 2)))
    out.print()


def changed(label: str, old: Any, new: Any) -> "Text":
    """One field as `label old → new`; what is not set or not known has no old."""
    from rich.text import Text  # noqa: PLC0415

    line = Text(label)
    if old is not None:
        line.append(_brief(old), "red").append(" → ")
    return line.append(_brief(new), "green")


def _brief(value: Any) -> str:
    from deskclerk.desk.view import compact  # noqa: PLC0415

    text = value if isinstance(value, str) and value else compact(value)
    return " ".join(clean_text(text, _LONGEST).split())


@contextmanager
def _interruptible() -> Iterator[None]:
    """Lets Ctrl-C end the reading: the event loop's own handler would wait for the line."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
