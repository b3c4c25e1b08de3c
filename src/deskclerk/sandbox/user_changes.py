"""Changing a user's row and telling it: the answer, and the event."""

from typing import Any

from deskclerk.sandbox.call import Call
from deskclerk.sandbox.rows import change, get
from deskclerk.sandbox.store.tables import users
from deskclerk.sandbox.user_answers import present_users


async def user_answer(call: Call, user_id: str) -> dict[str, Any]:
    """One user as Clerk answers it, or 404."""
    (answer,) = await present_users(call, [await get(call, users, user_id, "user")])
    return answer


async def changed_user(call: Call, user_id: str, **values: Any) -> dict[str, Any]:
    """The user with these new values in its row; tells `user.updated`."""
    await change(call, users, user_id, **values | {"updated_at": call.now})
    answer = await user_answer(call, user_id)
    call.emit("user.updated", answer)
    return answer
