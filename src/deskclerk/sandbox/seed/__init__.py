"""A small believable company to try things on: the same people and ids in every new sandbox.

Ids come from a seeded source and dates of birth, so to say, from a fixed day; what has to be fresh
(sessions, locks, pending invitations) is told from the time of seeding.
"""

from deskclerk.database import Connection
from deskclerk.sandbox.seed.configuration import add_configuration, add_invitations, add_restrictions
from deskclerk.sandbox.seed.credentials import add_credentials
from deskclerk.sandbox.seed.draft import Draft
from deskclerk.sandbox.seed.organizations import add_organizations
from deskclerk.sandbox.seed.people import add_people, add_sessions
from deskclerk.sandbox.seed.plans import add_plans
from deskclerk.sandbox.seed.sign_ups import add_sign_ups
from deskclerk.sandbox.store.tables import users
from deskclerk.sandbox.users.documents import write_documents


async def fill(connection: Connection, instance_id: str, now: int) -> None:
    """Put the company into an empty instance; `now` is in milliseconds since the epoch."""
    draft = Draft(instance_id, now)
    people = add_people(draft)
    teams = add_organizations(draft, people)
    add_sessions(draft, people, teams)
    add_invitations(draft, people)
    add_restrictions(draft)
    add_configuration(draft)
    add_plans(draft)
    add_sign_ups(draft, people)
    add_credentials(draft, people)
    await draft.insert(connection)
    await write_documents(connection, instance_id, [row["id"] for row in draft.rows[users.name]])
