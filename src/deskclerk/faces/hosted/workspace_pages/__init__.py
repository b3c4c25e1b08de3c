"""The pages of a workspace, in the order of its navigation.

A page is a module here with a `PAGE` and a template of its name that extends `frame.html`; `PAGES` lists it.
Its handlers find `member_of`, `form_of` (`access.py`) and `site_of` (`site.py`) at hand, and answer with
`rendering.render`; whoever asks is a member, and forms have been checked. What only owners do begins with
`check_owner`.
"""

from deskclerk.faces.hosted.workspace_pages import agents, members, notifications, overview, policy
from deskclerk.faces.hosted.workspace_pages.page import WorkspacePage

PAGES: tuple[WorkspacePage, ...] = (
    overview.PAGE,
    agents.PAGE,
    members.PAGE,
    notifications.PAGE,
    policy.PAGE,
)
