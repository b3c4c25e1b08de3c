"""What it means to change the words of messages, and who delivers them."""

from deskclerk.catalogue import PutTemplate, RevertTemplate, ToggleTemplateDelivery
from deskclerk.desk.consequences.default import Consequences, Update, says


class PutTemplateConsequences(Update, of=PutTemplate):
    """The old words come back as words of one's own."""

    undone_by = PutTemplate


class ToggleTemplateDeliveryConsequences(Update, of=ToggleTemplateDelivery):
    """Who does not have Clerk deliver has to, by webhook."""

    undone_by = ToggleTemplateDelivery
    reach = (("delivery", says("what Clerk does not deliver is for the application to send")),)


class RevertTemplateConsequences(Consequences, of=RevertTemplate):
    """Own words are kept nowhere."""

    lost = "The own words are not kept."
