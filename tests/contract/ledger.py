"""Every known difference between the catalogue and Clerk's document, and why. Exact: none more, none less."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.contract.differences import Difference


class Entry(NamedTuple):
    """Differences of one kind; each line of `places` is an action and the parameters it has them in."""

    why: str
    fact: str
    ours: Any
    clerks: Any
    places: str

    def differences(self) -> Iterator[Difference]:
        """Each of them."""
        for line in self.places.strip().splitlines():
            action, *names = line.split()
            yield from (Difference(action, name, self.fact, self.ours, self.clerks) for name in names)


LEDGER = (
    Entry(
        "The desk shapes the answer with it; it is not sent.",
        *("where", "local", None),
        """
        clerk_users_list fields
        clerk_user_get fields
        clerk_organizations_list fields
        clerk_organization_get fields
        clerk_org_memberships_list fields
        clerk_org_membership_get fields
        clerk_org_invitations_list fields
        clerk_sessions_list fields
        clerk_session_get fields
        clerk_invitations_list fields
        clerk_allowlists_list fields
        clerk_blocklists_list fields
        clerk_jwt_templates_list fields
        clerk_jwt_template_get fields
        clerk_domains_list fields
        clerk_domain_get fields
        clerk_clients_list fields
        clerk_client_get fields
        """,
    ),
    Entry(
        "Clerk answers with the whole list: the desk cuts the page out of it.",
        *("where", "local", None),
        """
        clerk_blocklists_list limit offset
        clerk_domains_list limit offset
        """,
    ),
    Entry(
        "Clerk has no route for one domain: it is picked from the list.",
        *("where", "local", None),
        "clerk_domain_get domain_id",
    ),
    Entry(
        "Clerk has no route for one membership: of the list's filters, one user is all that is needed.",
        *("where", None, "query"),
        """
        clerk_org_membership_get created_at_after created_at_before last_active_at_after
        clerk_org_membership_get last_active_at_before email_address email_address_query phone_number
        clerk_org_membership_get phone_number_query username username_query web3_wallet name_query query
        clerk_org_membership_get role order_by limit offset
        """,
    ),
    *(
        Entry("The list's filter takes several users, this action exactly one.", *fact, place)
        for place in ["clerk_org_membership_get user_id"]
        for fact in [
            ("type", "string", "array"),
            ("items", None, (("type", "string"),)),
            ("maxItems", None, 100),
            ("required", True, False),
        ]
    ),
    Entry(
        "Times are accepted as ISO 8601 too and leave as milliseconds.",
        *("type", "string or integer", "integer"),
        """
        clerk_users_list last_active_at_before last_active_at_after last_active_at_since
        clerk_users_list created_at_before created_at_after last_sign_in_at_before last_sign_in_at_after
        clerk_org_memberships_list last_active_at_before last_active_at_after
        clerk_org_memberships_list created_at_before created_at_after
        """,
    ),
    Entry(
        "Times are accepted as milliseconds too and leave as RFC 3339 text.",
        *("type", "string or integer", "string"),
        """
        clerk_user_create created_at legal_accepted_at
        clerk_user_update created_at legal_accepted_at
        clerk_organization_create created_at
        clerk_organization_update created_at
        """,
    ),
    Entry(
        "The old name of last_active_at_after, whose unit the document does state.",
        *("times", "ms", None),
        "clerk_users_list last_active_at_since",
    ),
    Entry(
        "The document states the format on creation only.",
        *("times", "rfc3339", None),
        "clerk_user_update created_at",
    ),
    Entry(
        "Always asked for, so that an answer says how many there are in all.",
        *("sent unasked", True, None),
        """
        clerk_sessions_list paginated
        clerk_invitations_list paginated
        clerk_allowlists_list paginated
        clerk_jwt_templates_list paginated
        """,
    ),
    Entry(
        "There is only one value, so the asker need not give it.",
        *("sent unasked", True, None),
        "clerk_domain_create is_satellite",
    ),
    Entry(
        "There is only one value, so the asker need not give it.",
        *("required", False, True),
        "clerk_domain_create is_satellite",
    ),
    Entry(
        "What is left out is taken from the template as it is.",
        *("required", False, True),
        "clerk_jwt_template_update name claims",
    ),
    Entry(
        "A name is never empty.",
        *("minLength", 1, None),
        """
        clerk_organization_create name
        clerk_organization_update name
        clerk_client_create name
        clerk_client_update name
        """,
    ),
    Entry(
        "The bound of every other filter by id.",
        *("maxItems", 100, None),
        "clerk_organizations_list user_id",
    ),
    Entry(
        "The instance's password rules decide, and Clerk names the one that is broken.",
        *("minLength", None, 8),
        """
        clerk_user_create password
        clerk_user_update password
        """,
    ),
)
