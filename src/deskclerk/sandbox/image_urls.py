"""Where pictures are: uploaded ones at the sandbox itself, the default ones nowhere."""

from deskclerk.sandbox.call import Call

PATH = "/images/"
DEFAULTS = "https://img.sandbox.localhost"
"""Where the pictures of those would be who have uploaded none."""


def image_url(call: Call, image_id: str | None, owner_id: str) -> str:
    """The address of a picture, or of the default one of its owner."""
    return f"{call.base_url}{PATH}{image_id}" if image_id else f"{DEFAULTS}/{owner_id}"
