"""Users as they are answered: a page, one of them, one that was changed."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select

from deskclerk.database import Row, Statement
from deskclerk.sandbox.http.answer import Ready
from deskclerk.sandbox.http.call import Call, Question
from deskclerk.sandbox.http.errors import not_found
from deskclerk.sandbox.http.rows import RowMapping, change
from deskclerk.sandbox.store.tables import users
from deskclerk.sandbox.users.documents import assembled, ready, with_documents, with_revision, written

_ONE = with_documents(
    select(users).where(users.c.instance_id == bindparam("instance"), users.c.id == bindparam("key"))
)
ONE = Statement(_ONE)
_KEPT = Statement(with_revision(_ONE))


async def kept_user(question: Question) -> tuple[Ready, int] | None:
    """The user that the path names, if its text is kept; and the revision of the state."""
    key = question.path["user_id"]
    rows = await question.store.database.ask(_KEPT, instance=question.instance_id, key=key)
    found = kept(question, rows)
    return (found[0][0], found[1]) if found else None


def kept(question: Question, rows: Sequence[Row]) -> tuple[list[Ready], int] | None:
    """The texts of rows of LIVE and the state's revision, if all of them are kept and there are any."""
    if not rows or any(text is None for _, _, _, text, _ in rows):
        return None
    texts = [ready(question, text, image_id, lock_end) for _, image_id, lock_end, text, _ in rows]
    return texts, rows[0][4]


async def present_users(call: Call, rows: Sequence[RowMapping]) -> list[Ready | dict[str, Any]]:
    """The answers for rows of a query `with_documents`."""
    lacking = [row["id"] for row in rows if row["document"] is None]
    made = await assembled(call, lacking) if lacking else {}
    return [
        made[row["id"]]
        if row["document"] is None
        else ready(call, row["document"], row["profile_image_id"], row["lockout_expires_at"])
        for row in rows
    ]


async def user_answer(call: Call, user_id: str) -> Ready | dict[str, Any]:
    """One user as Clerk answers it, or 404."""
    rows = await call.connection.fetch(ONE, instance=call.instance.id, key=user_id)
    if not rows:
        raise not_found("user", user_id)
    ((_, image_id, lock_end, text),) = rows
    return ready(call, text, image_id, lock_end) if text else await user_in_full(call, user_id)


async def user_in_full(call: Call, user_id: str) -> dict[str, Any]:
    """One user's answer as an object, made of its rows; or 404."""
    answers = await assembled(call, [user_id])
    if not answers:
        raise not_found("user", user_id)
    return answers[user_id]


async def written_user(call: Call, user_id: str) -> Ready:
    """The answer for a user that was written just now; or 404."""
    answer = await written(call, user_id)
    if answer is None:
        raise not_found("user", user_id)
    return answer


async def changed_user(call: Call, user_id: str, **values: Any) -> Ready:
    """The user with these new values in its row; tells `user.updated`."""
    await change(call, users, user_id, **values | {"updated_at": call.now})
    answer = await written_user(call, user_id)
    call.emit("user.updated", answer)
    return answer
