"""What somebody names that is not theirs: noted in their own journal before they are answered."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deskclerk.desk.misses import collecting
from deskclerk.errors import LimitReached
from deskclerk.faces.hosted.rendering import refused

Note = Callable[[str], Awaitable[None]]
"""Notes what somebody asked for in vain, with who asked."""


async def serve(app: ASGIApp, note: Note, scope: Scope, receive: Receive, send: Send) -> None:
    """Have a request answered, and each thing that it asks for in vain noted once.

    Where no more can be noted, that is the answer: nothing is tried that leaves no line.
    """
    noted: set[str] = set()
    over = False
    with collecting() as missed:

        async def note_all() -> None:
            while missed:
                asked = missed.pop(0)
                if asked not in noted:
                    noted.add(asked)
                    await note(asked)

        async def answer(message: Message) -> None:
            nonlocal over
            try:
                # Before a word of it leaves: who is answered has been noted.
                await note_all()
            except LimitReached as error:
                over = True
                missed.clear()
                await refused(Request(scope), error)(scope, receive, send)
            if not over:
                await send(message)

        await app(scope, receive, answer)
        if not over:
            await note_all()
