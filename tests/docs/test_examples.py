"""What the pages show is what happens: every console block is typed on a terminal, page by page.

A line with `$ ` is a command of bash, one with `> ` is typed when it asks, `^C` ends what goes on by itself,
all else is what is shown; `…` stands for anything, alone on a line for any lines. The commands of a page
share one home, as they do for whoever reads it from the top; a block behind the words "`NAME`:" is a file of
that name, and `ent_…` in a command what was shown last and begins so.
"""

import re

import pytest

from tests.docs.exceptions import NEEDS, NOT_RUN
from tests.docs.pages import PAGES, Example, GivenFile, commands_not_run, steps
from tests.docs.terminal import as_pattern, shell

RUN = [page for page in PAGES if any(isinstance(step, Example) for step in steps(page))]


@pytest.mark.parametrize("page", RUN)
def test_what_a_page_shows_is_what_happens(page):
    need = NEEDS.get(page)
    if need and not need.is_here():
        pytest.skip(f"needs {need.what}")
    with shell() as terminal:
        if need and need.linked:
            terminal.link(need.linked)
        for step in steps(page):
            if isinstance(step, GivenFile):
                terminal.give(step)
                continue
            shown = terminal.run(step)
            wanted = as_pattern(step.shown)
            assert re.fullmatch(wanted, shown), f"{page}: $ {step.command}\n{shown}"


def test_what_is_not_run_says_why():
    found = {(page, line) for page in PAGES for line in commands_not_run(page)}
    assert sorted(found - NOT_RUN.keys()) == []
    assert sorted(NOT_RUN.keys() - found) == []


def test_the_pages_that_people_begin_with_are_run():
    assert {"README.md", "docs/start.md", "docs/signing.md", "docs/jobs.md", "docs/install.md"} <= {*RUN}
