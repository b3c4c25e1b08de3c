"""What it means to change a user's phone numbers."""

from deskclerk.catalogue import Action, DeletePhoneNumber, ReplaceUserPhoneNumber, UpdatePhoneNumber
from deskclerk.clerk.client import Clerk
from deskclerk.desk.consequences.default import Consequences, Removal, Update, Values
from deskclerk.desk.consequences.email_addresses import what_is_left, whose
from deskclerk.desk.view.cleaning import line_of

_NUMBER = "phone_number"


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

    reach = (("its user", whose(_NUMBER, "number")),)


class DeletePhoneNumberConsequences(Removal, of=DeletePhoneNumber):
    """The number can be given again, with another id."""

    lost = "The number can be added again, with another id."
    reach = (("its user", what_is_left(_NUMBER, "number")),)


class ReplaceUserPhoneNumberConsequences(Consequences, of=ReplaceUserPhoneNumber):
    """All numbers but the new one go."""

    lost = "The old numbers can be added again one by one, with other ids."
    reach = (("numbers", _all_that_go),)
