"""How a program uses the library; `make types` checks it strictly, tests/test_library.py runs it."""

from deskclerk import (
    Answer,
    ApprovalNeeded,
    BanUser,
    Decision,
    Desk,
    InvalidRequest,
    ListUsers,
    Plan,
    Settings,
    Signature,
    UpdateUser,
)


async def read() -> Answer:
    """The library in two lines."""
    async with Desk.open() as desk:
        return await desk.perform(ListUsers(query="ada", limit=5, created_at_after="2020-01-01"))


async def unsigned(user_id: str) -> str:
    """A write that nobody signs."""
    async with Desk.open(Settings.load()) as desk:
        try:
            await desk.perform(BanUser(user_id=user_id))
        except ApprovalNeeded as error:
            return error.next_step
    return ""


async def signed(user_id: str) -> Answer:
    """A write with somebody to sign it."""

    async def yes(plan: Plan) -> Signature:
        return Signature(Decision.APPROVED, f"a person who read {len(plan.lines())} lines")

    async with Desk.open(approver=yes) as desk:
        return await desk.perform(UpdateUser(user_id=user_id, public_metadata={"seen": True}))


async def everything() -> list[str]:
    """Every page of a list."""
    async with Desk.open() as desk:
        return [str(item["id"]) async for page in desk.pages(ListUsers()) for item in page.value["items"]]


def wrong() -> str:
    """A mistake that never leaves the program."""
    try:
        ListUsers(limit=501)
    except InvalidRequest as error:
        return str(error)
    return ""
