"""What the writes to JWT templates do beyond their declaration."""

from deskclerk.catalogue import CreateJwtTemplate, DeleteJwtTemplate, Parameter, UpdateJwtTemplate
from deskclerk.desk.consequences.default import (
    Creation,
    LostForGoodError,
    Rebuilt,
    Removal,
    Update,
    Values,
    says,
)
from deskclerk.desk.consequences.inverse import Event, same
from deskclerk.desk.consequences.restoring import Restoring

_KEY = ("custom_signing_key", "signing_algorithm", "signing_key")
"""A template's own key: Clerk takes the three together, and tells the third to nobody."""


class CreateJwtTemplateConsequences(Creation, of=CreateJwtTemplate):
    """A template's name is unique; tokens outlive it."""

    known_by = "name"
    undone_by = DeleteJwtTemplate
    remains = "Tokens minted from it stay valid until they expire."


class UpdateJwtTemplateConsequences(Update, of=UpdateJwtTemplate):
    """Fields as of any update; the signing key has to come from a person."""

    undone_by = UpdateJwtTemplate

    def restore(self, work: Restoring, item: Parameter) -> None:
        """The key's three parts are put back together, after the rest."""
        if item.name not in _KEY:
            super().restore(work, item)

    def restore_rest(self, work: Restoring) -> None:
        """A template's key: its own, which a person has to give, or the instance's."""
        touched = "signing_key" in work.asked or any(
            not same(work.before.get(name), work.left.get(name)) for name in _KEY[:2]
        )
        if touched and not work.before.get("custom_signing_key"):
            work.values["custom_signing_key"] = False
        elif touched and "signing_key" in work.given:
            work.values |= {name: work.before[name] for name in _KEY[:2]}
            work.values["signing_key"] = work.given["signing_key"]
        elif touched:
            work.cannot.append(
                "The template's own signing key cannot come back, Clerk tells it nobody: "
                "give it with --signing-key secret:NAME."
            )
        super().restore_rest(work)


class DeleteJwtTemplateConsequences(Removal, of=DeleteJwtTemplate):
    """Made anew from its answer, but for a signing key of its own."""

    known_by = "name"
    undone_by = CreateJwtTemplate
    person_adds = ("signing_key",)
    reach = (("use", says("whoever asks for a token by this template gets none")),)

    def rebuilt(self, intent: Event, before: Values, given: Values) -> Rebuilt:
        """With another key its tokens would be others: then a person gives the key, or it stays away."""
        del intent
        arguments = {name: before[name] for name in ("name", "claims", "lifetime", "allowed_clock_skew")}
        if not before.get("custom_signing_key"):
            return arguments, [], []
        if "signing_key" not in given:
            raise LostForGoodError(
                "The template had a signing key of its own, which Clerk tells nobody: without it the tokens "
                "would be others. Give it with --signing-key secret:NAME."
            )
        arguments |= {name: before[name] for name in _KEY[:2]}
        return arguments | {"signing_key": given["signing_key"]}, [], []
