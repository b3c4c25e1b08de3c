"""Testing tokens: browser tests send one with requests to the Frontend API, past its bot protection."""

import secrets
from typing import Any

from deskclerk.catalogue.route import POST
from deskclerk.sandbox.call import Call, Handlers
from deskclerk.sandbox.operation import Operation

LIFETIME = 60 * 60
_BYTES = 30


class CreateTestingToken(Operation, route=POST("/testing_tokens")):
    """Takes nothing."""


async def create_testing_token(call: Call) -> dict[str, Any]:
    """A token good for an hour; here times are seconds."""
    now = call.now // 1000
    token = f"{now}-c_{secrets.token_urlsafe(_BYTES)}"
    return {"object": "testing_token", "token": token, "expires_at": now + LIFETIME}


HANDLERS: Handlers = {CreateTestingToken: create_testing_token}
