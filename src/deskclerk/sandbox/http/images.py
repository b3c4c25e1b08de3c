"""Where pictures are, and how they are served: a browser sends no secret key."""

from sqlalchemy import select
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from deskclerk.sandbox.http.call import Call
from deskclerk.sandbox.store.store import Store
from deskclerk.sandbox.store.tables import images

PATH = "/images/"
DEFAULTS = "https://img.sandbox.localhost"
"""Where the pictures of those would be who have uploaded none."""
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=31536000, immutable"}
"""An image never changes: another one has another id."""


def image_url(call: Call, image_id: str | None, owner_id: str) -> str:
    """The address of a picture, or of the default one of its owner."""
    return f"{call.base_url}{PATH}{image_id}" if image_id else f"{DEFAULTS}/{owner_id}"


class ImageServer:
    """ASGI middleware: answers reads below PATH, and lets everything else through."""

    def __init__(self, app: ASGIApp, store: Store) -> None:
        self.app = app
        self.store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or pass it on."""
        # Before Admission: a browser that shows a picture has no secret key to send.
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(PATH):
            await self.app(scope, receive, send)
            return
        answer = await self._answer(scope["path"].removeprefix(PATH))
        await answer(scope, receive, send)

    async def _answer(self, image_id: str) -> Response:
        query = select(images.c.content, images.c.content_type).where(images.c.id == image_id)
        async with self.store.transaction(reads=True) as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return PlainTextResponse("No such image.", 404)
        return Response(row.content, media_type=row.content_type, headers=_HEADERS)
