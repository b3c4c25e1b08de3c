"""What the pages of a hosted desk find at hand."""

from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from starlette.requests import Request

from deskclerk.hosted.attempts import JournalledAttempts
from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.issuer import Issuer
from deskclerk.hosted.notifications.destinations import Destinations
from deskclerk.hosted.people.invitations import Invitations
from deskclerk.hosted.people.passkeys import Passkeys
from deskclerk.hosted.people.sessions import PersonSessions
from deskclerk.hosted.people.sign_in import SignIn
from deskclerk.hosted.workspaces.instance_keys import InstanceKeys
from deskclerk.hosted.workspaces.store import WorkspaceStore


@dataclass(frozen=True, slots=True)
class PeopleSite:
    """People, their workspaces and the way in; `public_url` is the origin by which browsers come."""

    public_url: str
    hosted: HostedDatabase
    workspaces: WorkspaceStore
    sign_in: SignIn
    sessions: PersonSessions
    invitations: Invitations
    passkeys: Passkeys
    attempts: JournalledAttempts
    destinations: Destinations
    keys: InstanceKeys

    @property
    def secure(self) -> bool:
        """Whether browsers come by https."""
        return urlsplit(self.public_url).scheme == "https"


CALLBACK = "/sign-in/callback"
SIGNED_OUT = "/signed-out"


def people_site(
    public_url: str,
    hosted: HostedDatabase,
    workspaces: WorkspaceStore,
    attempts: JournalledAttempts,
    issuer: Issuer,
    *,
    destinations: Destinations,
) -> PeopleSite:
    """The site for one issuer, at which the desk is a client with the redirect URI `/sign-in/callback`."""
    sign_in = SignIn(hosted.whole, issuer, public_url + CALLBACK)
    return PeopleSite(
        public_url,
        hosted,
        workspaces,
        sign_in,
        PersonSessions(hosted.whole),
        Invitations(hosted),
        Passkeys(hosted.whole, public_url),
        attempts,
        destinations,
        InstanceKeys(hosted, workspaces),
    )


def site_of(request: Request) -> PeopleSite:
    """The site that serves a request."""
    return cast("PeopleSite", request.scope["deskclerk.site"])
