"""A person's signature at the terminal: what will change is shown, and the answer is typed."""

import getpass
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from deskclerk.catalogue import Effect
from deskclerk.desk import Decision, Plan, Signature
from deskclerk.desk.approvals.pin import PinRules
from deskclerk.faces.cli.state import console
from deskclerk.system.terminals import await_input, is_terminal, owns_terminal

if TYPE_CHECKING:
    from rich.text import Text

    from deskclerk.desk.consequences.changes import Change

_NO = ("no", "n")


class Terminal:
    """Asks whoever sits at the terminal; `yes` is a command's `--yes`.

    Where nobody sits, nothing is signed but what `rules` let the flag sign. `decision` keeps what was
    said.
    """

    def __init__(self, *, yes: bool, how: str = "terminal") -> None:
        self._yes = yes
        self._how = how
        self.rules = PinRules(pin=True, named=True, flag=False)
        self.decision: Decision | None = None

    async def __call__(self, plan: Plan) -> Signature:
        """The person's answer to one plan."""
        signs = self._yes and self.rules.flag
        if at_a_terminal() or (signs and is_terminal(sys.stderr)):
            show(plan, sys.stderr)
        signature = self.answer(plan)
        self.decision = signature.decision
        return signature

    def answer(self, plan: Plan) -> Signature:
        """The person's answer to a plan that has been shown."""
        # Only on the sandbox, where a script may sign: see decision 0005.
        if self._yes and self.rules.flag:
            return Signature(Decision.APPROVED, "command line --yes", pin="")
        if not at_a_terminal():
            why = self._alone(plan) if self._yes else ""
            return Signature(Decision.DISMISSED, "nobody at a terminal", why, final=self._yes, alone=True)
        if not (self._yes and self.rules.pin):
            typed = ask(self.rules.words(plan))
            # Ctrl-C or Ctrl-D is neither a yes nor a no: the plan goes on waiting.
            if typed is None:
                return Signature(Decision.DISMISSED, self._how, "the question was closed", final=True)
            if not self.rules.accepts(plan, typed):
                return unsigned(typed, self._how)
        pin = ask_hidden("Signer's PIN: ") if self.rules.pin else ""
        return Signature(Decision.APPROVED, self._how, pin=pin)

    def _alone(self, plan: Plan) -> str:
        reason = "a signer's PIN is set" if self.rules.pin else f"this is the {plan.instance}"
        return f"{reason}, and --yes alone signs nothing"


def unsigned(typed: str, how: str) -> Signature:
    """What a line means that does not sign: a no, or a slip of the hand, which is no answer."""
    if typed.strip().lower() in _NO:
        return Signature(Decision.DECLINED, how)
    return Signature(Decision.DISMISSED, how, "what was typed does not sign it", final=True)


def at_a_terminal() -> bool:
    """Whether a person can see and type here: real streams, and a terminal that the process belongs to."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr) and owns_terminal()


def ask(words: tuple[str, ...]) -> str | None:
    """The line that the person types; None if the dialogue is closed (Ctrl-C, Ctrl-D)."""
    try:
        with _interruptible():
            console(sys.stderr).print(
                f"To sign it, type {' or '.join(words)}. To decline it for good, type no."
            )
            sys.stderr.write("> ")
            sys.stderr.flush()
            await_input(sys.stdin)
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
    for line in plan.notes:
        indented(Text(line))
    if plan.summary:
        indented(Text(plan.summary, style="dim"))
    if plan.target:
        indented(Text(f"Target: {plan.target}"))
    for line in plan.job.all_lines() if plan.job else ():
        indented(Text(line))
    for change in plan.changes:
        indented(change_text(change))
    for line in plan.reach:
        indented(Text(f"Reach: {line}", style="yellow"))
    if plan.reversible:
        indented(Text(plan.reversible, style="bold red" if colour == "red" else "dim"))
    if asked_by:
        indented(Text(f"Asked by: {asked_by}"))
    out.print()


def change_text(change: "Change") -> "Text":
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
