"""The pages of the console, in the order of its navigation."""

from deskclerk.faces.console.page import ConsolePage
from deskclerk.faces.console.pages import (
    actions,
    activity,
    connect,
    jobs,
    people,
    permissions,
    sandbox,
    secrets,
    waiting,
)

PAGES: tuple[ConsolePage, ...] = (
    waiting.PAGE,
    activity.PAGE,
    jobs.PAGE,
    actions.PAGE,
    people.PAGE,
    permissions.PAGE,
    secrets.PAGE,
    connect.PAGE,
    sandbox.PAGE,
)
