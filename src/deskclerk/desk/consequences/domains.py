"""What the writes to domains do beyond their declaration."""

from deskclerk.catalogue import CreateDomain, DeleteDomain
from deskclerk.desk.consequences.default import Creation, Rebuilt, Removal, Values, says
from deskclerk.desk.consequences.inverse import Event


class CreateDomainConsequences(Creation, of=CreateDomain):
    """Known by its name."""

    undone_by = DeleteDomain


class DeleteDomainConsequences(Removal, of=DeleteDomain):
    """Can be added again, and has to prove itself again."""

    undone_by = CreateDomain
    reach = (("use", says("sign-ins on this domain stop")),)

    def rebuilt(self, intent: Event, before: Values, given: Values) -> Rebuilt:
        """Only satellites can be deleted, and so only they come back."""
        del intent, given
        proxy = {"proxy_url": before["proxy_url"]} if before.get("proxy_url") else {}
        notes = ["A live domain has to prove its DNS records again."]
        return {"name": before["name"], "is_satellite": True} | proxy, notes, []
