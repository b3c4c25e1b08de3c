"""Profile images: uploaded, kept, and shown at an address of the sandbox's own."""

from typing import Any

from sqlalchemy import exists, or_, select

from deskclerk.catalogue.route import DELETE, POST
from deskclerk.sandbox.http.call import Call, Handlers, Upload
from deskclerk.sandbox.http.errors import Problem, Refusal, ill_formed, refusal
from deskclerk.sandbox.http.incoming import LARGEST_FILE
from deskclerk.sandbox.http.rows import find, get, insert, remove
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.store.tables import images, oauth_applications, organizations, users
from deskclerk.sandbox.users.answers import changed_user

_KINDS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_ALLOWED = ("image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp")


async def set_profile_image(call: Call) -> Any:
    """Show this picture of a user from now on."""
    row = await get(call, users, call.path["user_id"], "user")
    assert call.upload is not None  # noqa: S101 - an operation with `upload` has one
    image_id = await keep_image(call, call.upload)
    answer = await changed_user(call, row["id"], profile_image_id=image_id)
    # After the change: a picture that is still shown is not dropped.
    await drop_image(call, row["profile_image_id"])
    return answer


async def delete_profile_image(call: Call) -> Any:
    """Show no picture of a user."""
    row = await get(call, users, call.path["user_id"], "user")
    if row["profile_image_id"] is None:
        raise refusal("image_not_found", "Image not found", "The user has no profile image.")
    answer = await changed_user(call, row["id"], profile_image_id=None)
    await drop_image(call, row["profile_image_id"])
    return answer


async def keep_image(call: Call, upload: Upload) -> str:
    """Keep a picture; its id. Refused if it is none, or too large."""
    if not upload.content:
        text = "There is no image in the form."
        raise Refusal(Problem("form_param_missing", "Image file missing", text, "file"), status=400)
    if len(upload.content) > LARGEST_FILE:
        text = f"An image has at most {LARGEST_FILE} bytes."
        raise refusal("image_too_large", "Image too large", text)
    # What the bytes say first: browsers show a file by them, whatever its sender calls it.
    kind = _kind(upload.content) or (upload.content_type if upload.content_type in _ALLOWED else None)
    if kind is None:
        raise ill_formed("file", "file must be a PNG, JPEG, GIF or WebP image.")
    image_id = new_id("img", call.now)
    await insert(call, images, id=image_id, content_type=kind, content=upload.content, created_at=call.now)
    return image_id


async def drop_image(call: Call, image_id: str | None) -> None:
    """Forget a picture that nobody shows any more."""
    if image_id is None:
        return
    of_user = exists().where(users.c.instance_id == call.instance.id, users.c.profile_image_id == image_id)
    of_organization = exists().where(organizations.c.logo_id == image_id)
    of_application = exists().where(oauth_applications.c.logo_id == image_id)
    # The id can be set on another user as well: the picture goes with the last who shows it.
    shown = select(or_(of_user, of_organization, of_application))
    if not (await call.connection.execute(shown)).scalar_one():
        await remove(call, images, image_id)


async def check_image(call: Call, image_id: str) -> None:
    """Refuse the id of no image."""
    if await find(call, images, id=image_id) is None:
        raise refusal("image_not_found", "Image not found", f"No image has the id {image_id}.")


def _kind(content: bytes) -> str | None:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _KINDS if content.startswith(start)), None)


HANDLERS: Handlers = {
    POST("/users/{user_id}/profile_image"): set_profile_image,
    DELETE("/users/{user_id}/profile_image"): delete_profile_image,
}
