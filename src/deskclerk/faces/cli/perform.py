"""Carries what was asked on the command line to the desk, and its answer back."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from deskclerk.catalogue import Action
from deskclerk.desk import Decision, Desk
from deskclerk.desk.caller import Progress
from deskclerk.desk.view.cleaning import clean_text
from deskclerk.errors import ApprovalNeeded, ApprovalRefused
from deskclerk.faces.cli.output import print_lines, show_answer, show_items
from deskclerk.faces.cli.state import State, progress
from deskclerk.faces.cli.terminal_signature import Terminal, ask, ask_hidden, at_a_terminal


def carry_out(
    state: State,
    kind: type[Action],
    arguments: Mapping[str, Any],
    *,
    yes: bool = False,
    every: bool = False,
) -> None:
    """One action, from the desk to the screen; `every` follows a list's pages to its end."""
    asyncio.run(_every(state, kind, arguments) if every else _once(state, kind, arguments, yes=yes))


async def _once(state: State, kind: type[Action], arguments: Mapping[str, Any], *, yes: bool) -> None:
    if kind.spec.effect == "read":
        # Nobody signs it, and so nobody asks how.
        async with state.desk() as desk:
            action = await desk.action(kind, arguments)
            answer = await desk.perform(action)
    else:
        async with signing_desk(state, yes=yes) as desk:
            action = await desk.action(kind, arguments)
            answer = await desk.perform(action, progress=waiting(state))
        state.note(f"Done: {kind.spec.heading.lower()}.", style="green")
    show_answer(state, action, answer)


@asynccontextmanager
async def signing_desk(state: State, *, yes: bool) -> AsyncIterator[Desk]:
    """A desk whose writes are signed at this terminal; what is not signed says what to do."""
    terminal = Terminal(yes=yes)
    async with state.desk(terminal) as desk:
        # Asked of the desk, which knows whether a PIN is set; until then the strictest hold.
        terminal.rules = await desk.signer.rules()
        try:
            yield desk
        except ApprovalNeeded as error:
            error.next_step += f" Or run it on a terminal and type the answer{_flag(terminal)}."
            raise
        except ApprovalRefused as error:
            if terminal.decision is Decision.DECLINED:
                error.message, error.next_step = "Declined. Nothing was sent.", ""
            raise


async def person_wants(desk: Desk, what: str, word: str, *, yes: bool) -> None:
    """ApprovalRefused unless a person at this terminal wants it: typed, and with the PIN where one is set."""
    rules = await desk.signer.rules()
    if not (yes and rules.flag):
        if not at_a_terminal():
            raise ApprovalRefused(
                "A person has to want this, and nobody is at a terminal.",
                next_step="Run it on a terminal, or use the console."
                + (" On the sandbox --yes does." if rules.flag else ""),
            )
        sys.stderr.write(f"{clean_text(what)}\n")
        if (ask((word,)) or "").strip().lower() != word:
            raise ApprovalRefused("What was typed does not say so. Nothing was done.")
    await desk.signer.want(ask_hidden("Signer's PIN: ") if rules.pin else "")


def _flag(terminal: Terminal) -> str:
    return ", or pass --yes" if terminal.rules.flag else ""


def waiting(state: State) -> Progress:
    """Says once that the call waits, and for how long."""
    said: list[str] = []

    async def tell(waited: float, most: float, text: str) -> None:
        del waited
        # Told once: the desk reports each half second.
        if not said:
            said.append(text)
            state.note(f"{text} (for {most:g} s)")

    return tell


async def _every(state: State, kind: type[Action], arguments: Mapping[str, Any]) -> None:
    """Lines are printed page by page; a table has to wait for its last row."""
    items: list[dict[str, Any]] = []
    count = 0
    async with state.desk() as desk:
        action = await desk.action(kind, arguments)
        with progress(state, kind.spec.resource.plural) as advance:
            async for page in desk.pages(action):
                found = page.value["items"]
                count += len(found)
                advance(len(found), page.value["total"])
                if state.tables:
                    items += found
                else:
                    print_lines(found)
    if state.tables:
        show_items(state, action, items)
    state.note(f"{count}; that is all.")
