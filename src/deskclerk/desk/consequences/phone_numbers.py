"""What it means to change a user's phone numbers."""

from deskclerk.catalogue import Action, DeletePhoneNumber, ReplaceUserPhoneNumber, UpdatePhoneNumber
from deskclerk.clerk.client import Clerk
from deskclerk.desk.consequences.default import Consequences, Removal, Update, Values
from deskclerk.desk.consequences.email_addresses import owner_of, primary_of
from deskclerk.desk.consequences.targets import display_name
from deskclerk.desk.consequences.user_factors import ways_in
from deskclerk.desk.view.cleaning import line_of

_NUMBER = "phone_number"


async def whose_number(action: Action, target: Values, clerk: Clerk) -> list[str]:
    """Whose number it is, and which one is primary before and after."""
    user = await owner_of(target, clerk, _NUMBER)
    if not user:
        return []
    lines = [f"belongs to {display_name(user)}"]
    if getattr(action, "primary", None):
        lines.append(
            f"primary number: {primary_of(user, _NUMBER) or 'none'} → {line_of(target.get(_NUMBER))}"
        )
    return lines


async def what_is_left_without_it(action: Action, target: Values, clerk: Clerk) -> list[str]:
    """How its user can still sign in without it."""
    del action
    user = await owner_of(target, clerk, _NUMBER)
    if not user:
        return []
    left = ways_in(user, without=[str(target.get("id"))])
    second = ["is the user's second factor"] if target.get("reserved_for_second_factor") else []
    told = (
        f"can still sign in with {', '.join(left)}"
        if left
        else "no way to sign in is left that Clerk tells of: the user may be locked out"
    )
    return [f"belongs to {display_name(user)}", *second, told]


async def _all_that_go(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del clerk
    new = line_of(getattr(action, _NUMBER, ""))
    old = [line_of(item.get(_NUMBER)) for item in target.get("phone_numbers") or ()]
    gone = [number for number in old if number != new]
    return [
        f"takes away {', '.join(gone)}" if gone else "takes away no other number",
        f"{new} becomes the primary number",
    ]


class UpdatePhoneNumberConsequences(Update, of=UpdatePhoneNumber):
    """A number that is verified, primary, or kept for the second factor."""

    reach = (("its user", whose_number),)


class DeletePhoneNumberConsequences(Removal, of=DeletePhoneNumber):
    """The number can be given again, with another id."""

    lost = "The number can be added again, with another id."
    reach = (("its user", what_is_left_without_it),)


class ReplaceUserPhoneNumberConsequences(Consequences, of=ReplaceUserPhoneNumber):
    """All numbers but the new one go."""

    lost = "The old numbers can be added again one by one, with other ids."
    reach = (("numbers", _all_that_go),)
