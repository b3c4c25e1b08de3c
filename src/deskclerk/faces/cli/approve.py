"""A person's signature at the terminal: what will change is shown, and the answer is typed."""

import getpass
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from deskclerk.catalogue import Effect
from deskclerk.desk import Decision, Plan, Signature
from deskclerk.desk.words import accepts
from deskclerk.faces.cli.state import console, is_terminal

if TYPE_CHECKING:
    from rich.text import Text

    from deskclerk.desk.plan import Change
    from deskclerk.desk.signer import Signer

_YES, _NO = "yes", ("no", "n")


class Terminal:
    """Asks whoever sits at the terminal; `yes` signs without asking, as `--yes` says.

    Where nobody sits, nothing is signed, and where `signer` has a PIN nothing without it. `decision`
    keeps what was said.
    """

    signer: "Signer | None" = None

    def __init__(self, *, yes: bool) -> None:
        self._yes = yes
        self.decision: Decision | None = None

    async def __call__(self, plan: Plan) -> Signature:
        """The person's answer to one plan."""
        wants_pin = self.signer is not None and await self.signer.is_set()
        signature = self._answer(plan, wants_pin=wants_pin)
        self.decision = signature.decision
        if self.signer and wants_pin and signature.decision is Decision.APPROVED:
            await self.signer.check(ask_hidden("Signer's PIN: "))
        return signature

    def _answer(self, plan: Plan, *, wants_pin: bool) -> Signature:
        if self._yes and wants_pin:
            why = "a signer's PIN is set, and --yes alone signs nothing"
            return Signature(Decision.DISMISSED, "command line --yes", why, final=True)
        if self._yes:
            if is_terminal(sys.stderr):
                show(plan, sys.stderr)
            return Signature(Decision.APPROVED, "command line --yes")
        if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
            return Signature(Decision.DISMISSED, "nobody at a terminal")
        show(plan, sys.stderr)
        destructive = plan.effect is Effect.DESTRUCTIVE
        typed = ask(plan.words if destructive else (_YES,))
        if typed is None:
            return Signature(Decision.DISMISSED, "terminal", "the question was closed", final=True)
        if accepts(plan.words, typed) if destructive else typed.strip() == _YES:
            return Signature(Decision.APPROVED, "terminal")
        return unsigned(typed)


def unsigned(typed: str) -> Signature:
    """What a line means that does not sign: a no, or a slip of the hand, which is no answer."""
    if typed.strip().lower() in _NO:
        return Signature(Decision.DECLINED, "terminal")
    return Signature(Decision.DISMISSED, "terminal", "what was typed does not sign it", final=True)


def at_a_terminal() -> bool:
    """Whether a person can see and type here: real streams, and a terminal that the process belongs to."""
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        return False
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return False
    return True


def ask(words: tuple[str, ...]) -> str | None:
    """The line that the person types; None if the dialogue is closed (Ctrl-C, Ctrl-D)."""
    try:
        with _interruptible():
            console(sys.stderr).print(
                f"To sign it, type {' or '.join(words)}. To decline it for good, type no."
            )
            sys.stderr.write("> ")
            sys.stderr.flush()
            typed = sys.stdin.readline()
    except KeyboardInterrupt:
        typed = ""
    if not typed.endswith("\n"):
        sys.stderr.write("\n")
    return typed or None


def ask_hidden(label: str) -> str:
    """What the person types without echo; empty if they close the question."""
    try:
        with _interruptible():
            return getpass.getpass(label)
    except (KeyboardInterrupt, EOFError):
        sys.stderr.write("\n")
        return ""


def show(plan: Plan, stream: TextIO, asked_by: str = "") -> None:
    """The plan as a person reads it: what, where, on what, what will be different, how far it reaches."""
    from rich.padding import Padding  # noqa: PLC0415 - only where something is drawn
    from rich.text import Text  # noqa: PLC0415

    def indented(text: "Text") -> None:
        out.print(Padding(text, (0, 0, 0, 2)))

    out = console(stream)
    colour = "red" if plan.effect is Effect.DESTRUCTIVE else "yellow"
    where = "bold white on red" if plan.instance.startswith("LIVE") else "bold"
    out.print()
    out.print(Text.assemble((plan.heading, f"bold {colour}"), " on ", (plan.instance, where)))
    indented(Text(plan.summary, style="dim"))
    if plan.target:
        indented(Text(f"Target: {plan.target}"))
    for change in plan.changes:
        indented(changed(change))
    for line in plan.reach:
        indented(Text(f"Reach: {line}", style="yellow"))
    if plan.reversible:
        indented(Text(plan.reversible, style="bold red" if colour == "red" else "dim"))
    if asked_by:
        indented(Text(f"Asked by: {asked_by}"))
    out.print()


def changed(change: "Change") -> "Text":
    """One field as `label old → new`; what is not set or not known has no old."""
    from rich.text import Text  # noqa: PLC0415

    text = change.line()
    colour = "red" if change.kind == "removed" else "green"
    label, arrow, new = text.rpartition(" → ")
    return Text.assemble(label, arrow, (new, colour)) if arrow else Text(text)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Lets Ctrl-C end the reading: the event loop's own handler would wait for the line."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
