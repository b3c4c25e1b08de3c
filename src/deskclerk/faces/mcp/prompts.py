"""Prompts: jobs that administrators have, each as the tools to use in order.

Only what is declared stands here: `prompt_messages.py` makes the text of it that a caller is given.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import mcp_types as types

from deskclerk.catalogue import (
    Action,
    BanUser,
    CreateBlocklistEntry,
    CreateInvitation,
    CreateOrgInvitation,
    CreateOrgMembership,
    DeleteOrgMembership,
    DeleteUser,
    GetClient,
    GetOrganization,
    GetUser,
    ListAllowlist,
    ListApiKeys,
    ListBlocklist,
    ListClients,
    ListDomains,
    ListInvitations,
    ListJwtTemplates,
    ListOrganizations,
    ListOrgInvitations,
    ListOrgMemberships,
    ListSessions,
    ListUsers,
    ProposeBulk,
    RevokeApiKey,
    RevokeInvitation,
    RevokeOrgInvitation,
    RevokeSession,
    RotateClientSecret,
    UnbanUser,
    UnlockUser,
    UpdateClient,
    UpdateOrgMembership,
)


class Kind(Enum):
    """What an argument names; the instance knows the first three."""

    USER = "a user: e-mail address, username, phone number or id"
    ORGANIZATION = "an organization: slug or id"
    APPLICATION = "an OAuth application: name or id"
    DAYS = "a number of days"
    TEXT = "text"
    CHOICE = "one of a few words"


@dataclass(frozen=True, slots=True)
class Choice:
    """A word that an argument takes, where the tool that it wants is offered."""

    word: str
    needs: type[Action]


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a prompt; a choice that is not made is the first one offered."""

    name: str
    kind: Kind
    about: str
    required: bool = True
    choices: tuple[Choice, ...] = ()
    default: str = ""

    def words(self, offered: Iterable[type[Action]]) -> list[str]:
        """The words that it takes from a caller."""
        return [choice.word for choice in self.choices if choice.needs in offered]


@dataclass(frozen=True, slots=True)
class Step:
    """What to do with one tool.

    `chosen` is the word of a choice that it is for, `instead_of` a tool that makes it needless.
    """

    tool: type[Action]
    does: str
    chosen: str = ""
    instead_of: type[Action] | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """A job: what it takes, without which tools it is nothing, and its steps."""

    name: str
    title: str
    does: str
    arguments: tuple[Argument, ...]
    needs: tuple[type[Action], ...]
    steps: tuple[Step, ...]

    def is_offered(self, offered: Iterable[type[Action]]) -> bool:
        """Whether a caller with these actions can do it."""
        return all(tool in offered for tool in self.needs) and all(
            argument.words(offered) for argument in self.arguments if argument.choices
        )

    def listed(self, offered: Iterable[type[Action]]) -> types.Prompt:
        """The prompt as clients list it."""
        return types.Prompt(
            name=self.name,
            title=self.title,
            description=self.does,
            arguments=[_listed(argument, offered) for argument in self.arguments],
        )


_USER = Argument("user", Kind.USER, "Who: an e-mail address, username, phone number or id")
_ORGANIZATION = Argument("organization", Kind.ORGANIZATION, "Which: its slug or id")
_PATTERN = Argument("pattern", Kind.TEXT, "What the sign-ups have in common, such as @spam.example")
_DAYS = Argument("days", Kind.DAYS, "How many days back; 7 if left out", required=False, default="7")

PROMPTS = (
    Prompt(
        "offboard_user",
        "Offboard a person",
        "Take a person's access away: organizations, sessions, keys, then the account.",
        (
            _USER,
            Argument(
                "account",
                Kind.CHOICE,
                "What becomes of the account",
                required=False,
                # The first one offered is the default: never the one without a way back.
                choices=(Choice("ban", BanUser), Choice("keep", GetUser), Choice("delete", DeleteUser)),
            ),
        ),
        (GetUser, ListOrganizations, DeleteOrgMembership),
        (
            Step(GetUser, "find the user; go on with the id that it answers, and say who it is."),
            Step(ListOrganizations, "with user_id: every organization that the person is a member of."),
            Step(
                ListOrgMemberships,
                "with role for the admins of each: where the person is the last admin, ask who takes over "
                "before anything changes.",
            ),
            Step(ListSessions, "with user_id and status active: where the person is signed in."),
            Step(ListApiKeys, "with the user's id as subject: keys that act for the person."),
            Step(DeleteOrgMembership, "for each organization that was found."),
            Step(RevokeApiKey, "for each key that was found."),
            Step(RevokeSession, "for each session, where the account is kept.", chosen="keep"),
            Step(BanUser, "every session ends and sign-in is refused; it can be taken back.", chosen="ban"),
            Step(DeleteUser, "for good: there is no way back.", chosen="delete"),
            Step(GetUser, "once more, unless it was deleted, to tell what is left."),
        ),
    ),
    Prompt(
        "organization_access",
        "Who has access to an organization",
        "Tell who can get into an organization, with which role, and who is about to. Changes nothing.",
        (_ORGANIZATION,),
        (GetOrganization, ListOrgMemberships),
        (
            Step(GetOrganization, "find the organization; go on with its id."),
            Step(ListOrgMemberships, "page to the end; group the members by role, the admins first."),
            Step(ListOrgInvitations, "with status pending: who gets in when they accept."),
            Step(
                ListUsers,
                "with organization_id and banned true: members that cannot sign in and still have a seat.",
            ),
        ),
    ),
    Prompt(
        "spam_cleanup",
        "Clean up after a wave of spam sign-ups",
        "Find the accounts of a spam wave, keep more from coming, and ban those that came.",
        (_PATTERN, _DAYS),
        (ListUsers, BanUser),
        (
            Step(
                ListUsers,
                "with the pattern as query and created_at_after for the days; limit 0 first, for how many.",
            ),
            Step(
                ListUsers,
                "a page of them: show a sample with names and dates, and those that look like real people. "
                "Have the person agree to the pattern before anything changes.",
            ),
            Step(ListBlocklist, "whether the pattern is blocked already."),
            Step(CreateBlocklistEntry, "the pattern, such as *@spam.example, so that no more come."),
            Step(ProposeBulk, "ban all of them under one signature, with the filters of the list as where."),
            Step(BanUser, "for each that the person agreed to.", instead_of=ProposeBulk),
            Step(ListUsers, "the same list with banned false, to tell what is left."),
        ),
    ),
    Prompt(
        "rotate_oauth_secret",
        "Rotate an OAuth application's secret",
        "Give an OAuth application a new client secret, which is handed to a person and to no model.",
        (Argument("application", Kind.APPLICATION, "Which: its name or id"),),
        (ListClients, RotateClientSecret),
        (
            Step(ListClients, "with name_query, unless an id was given; if several have it, ask which."),
            Step(GetClient, "say what it is, and where its redirect URIs lead: who runs it has to know."),
            Step(
                RotateClientSecret,
                "the old secret stops at once. The answer says where the person finds the new one; it never "
                "stands in the answer. Do not ask for it and do not have it pasted.",
            ),
        ),
    ),
    Prompt(
        "review_invitations",
        "Review open invitations",
        "Go through the invitations that nobody has accepted; revoke those that should not stand.",
        (
            Argument("organization", Kind.ORGANIZATION, "Only of this one: its slug or id", required=False),
            Argument(
                "days",
                Kind.DAYS,
                "Only those older than so many days; 7 if left out",
                required=False,
                default="7",
            ),
        ),
        (ListInvitations, ListOrgInvitations),
        (
            Step(ListOrganizations, "where none was named: those whose invitations are looked at."),
            Step(ListOrgInvitations, "with status pending, of the organization or of each."),
            Step(ListInvitations, "with status pending, where no organization was named."),
            Step(ListUsers, "with email_address: who of the invited has an account already."),
            Step(RevokeOrgInvitation, "those that the person no longer wants; list them and ask first."),
            Step(RevokeInvitation, "likewise, for invitations to the application."),
            Step(CreateOrgInvitation, "again for those that are still wanted and have expired."),
            Step(CreateInvitation, "likewise, for invitations to the application."),
        ),
    ),
    Prompt(
        "sign_in_trouble",
        "Find out why a person cannot sign in",
        "Look at everything that keeps a person from signing in, and take away what should not.",
        (_USER,),
        (GetUser,),
        (
            Step(GetUser, "whether it is banned or locked, which addresses are verified, what signs in."),
            Step(
                ListUsers,
                "with the name as query, if nobody was found: another account, a misspelling.",
            ),
            Step(ListSessions, "with user_id: when the person last was signed in."),
            Step(ListBlocklist, "whether an entry is about the address or its domain."),
            Step(ListAllowlist, "whether there are entries, and none is about the address."),
            Step(ListInvitations, "with the address as query: an invitation that was not accepted."),
            Step(UnlockUser, "only if the user is locked, and the person agrees."),
            Step(UnbanUser, "only if the user is banned, and whoever banned it agrees."),
        ),
    ),
    Prompt(
        "data_request",
        "Answer a person's request for their data",
        "Collect what the instance holds of a person; erase it where that is asked for.",
        (
            _USER,
            Argument(
                "request",
                Kind.CHOICE,
                "What the person asked for",
                required=False,
                choices=(Choice("access", GetUser), Choice("erasure", DeleteUser)),
            ),
        ),
        (GetUser,),
        (
            Step(GetUser, "with fields *: all that the account holds; leave private metadata to the person."),
            Step(ListOrganizations, "with user_id: the organizations of the person."),
            Step(ListSessions, "with user_id: sessions and their devices."),
            Step(ListInvitations, "with the address as query: invitations that were sent to it."),
            Step(DeleteUser, "for good; say first what is lost with it.", chosen="erasure"),
            Step(ListUsers, "with the address, to show that nothing is left.", chosen="erasure"),
        ),
    ),
    Prompt(
        "change_role",
        "Give a person a role in an organization",
        "Add a person to an organization, or change the role that they have there.",
        (
            _USER,
            _ORGANIZATION,
            Argument("role", Kind.TEXT, "Which role, such as org:admin or org:member"),
        ),
        (GetUser, ListOrgMemberships, UpdateOrgMembership),
        (
            Step(GetUser, "find the user."),
            Step(ListOrgMemberships, "with user_id: whether the person is a member, and as what."),
            Step(ListOrgMemberships, "with role org:admin: whether an admin is left when a role goes."),
            Step(UpdateOrgMembership, "if the person is a member."),
            Step(CreateOrgMembership, "if the person has an account and is none."),
            Step(CreateOrgInvitation, "if there is no account: they join when they accept."),
        ),
    ),
    Prompt(
        "security_review",
        "Review who and what can get in",
        "Go through restrictions, domains, OAuth applications and token templates; a report first.",
        (_DAYS,),
        (ListUsers,),
        (
            Step(ListUsers, "limit 0, and again with created_at_after for the days: how many, how many new."),
            Step(ListUsers, "with banned true: how many cannot sign in."),
            Step(ListAllowlist, "who may sign up."),
            Step(ListBlocklist, "who may not."),
            Step(ListInvitations, "with status pending: who is about to come."),
            Step(ListDomains, "which domains the instance answers on."),
            Step(
                ListClients,
                "which applications sign people in; public ones, redirect URIs without https.",
            ),
            Step(ListJwtTemplates, "which tokens are made, for how long."),
            Step(UpdateClient, "only what the person asks for after the report."),
        ),
    ),
)
"""Every prompt, in the order in which clients list them."""


def _listed(argument: Argument, offered: Iterable[type[Action]]) -> types.PromptArgument:
    words = argument.words(offered)
    choices = f": {', '.join(words)}; {words[0]} if left out" if words else ""
    return types.PromptArgument(
        name=argument.name, description=f"{argument.about}{choices}", required=argument.required
    )
