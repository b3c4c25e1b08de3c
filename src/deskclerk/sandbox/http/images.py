"""Where pictures are, and how they are served: a browser sends no secret key."""

from sqlalchemy import bindparam, select
from starlette.responses import PlainTextResponse, Response

from deskclerk.database import Statement
from deskclerk.sandbox.store.store import Store
from deskclerk.sandbox.store.tables import images

PATH = "/images/"
DEFAULTS = "https://img.sandbox.localhost"
"""Where the pictures of those would be who have uploaded none."""
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=31536000, immutable"}
"""An image never changes: another one has another id."""


def image_url(base_url: str, image_id: str | None, owner_id: str) -> str:
    """The address of a picture, or of the default one of its owner; `base_url` is where the sandbox is."""
    return f"{base_url}{PATH}{image_id}" if image_id else f"{DEFAULTS}/{owner_id}"


_IMAGE = Statement(select(images.c.content, images.c.content_type).where(images.c.id == bindparam("key")))


async def image(store: Store, image_id: str) -> Response:
    """A picture, for whoever asks: a browser that shows it has no secret key to send."""
    rows = await store.database.ask(_IMAGE, key=image_id)
    if not rows:
        return PlainTextResponse("No such image.", 404)
    ((content, kind),) = rows
    return Response(content, media_type=kind, headers=_HEADERS)
