"""What a hosted desk answers where there is no such thing, or none that the asker may know of."""

from deskclerk.errors import DeskclerkError


class NotHere(DeskclerkError):
    """No such workspace, instance, member, token or agent for whoever asks.

    Of what is another workspace's the answer is the same as of what is nowhere.
    """

    kind = "not_found"
