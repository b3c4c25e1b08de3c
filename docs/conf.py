"""How Sphinx makes the site of these pages: `make docs-site`, every warning an error."""

import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

project = "deskclerk"
copyright = "the deskclerk contributors"  # noqa: A001 - Sphinx's name for it
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
# A link to a heading is checked as one to a page is.
myst_heading_anchors = 4
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "deskclerk"
# Nothing is fetched from elsewhere: the site works from a folder, and search runs in the browser.
html_show_sphinx = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_search_scorer = str(Path(__file__).parent / "static" / "search_scores.js")
suppress_warnings = ["misc.highlighting_failure"]


class NumbersOfErrors(SphinxTransform):
    """Lets `401` be searched for: Sphinx' search passes over numbers, but for entries of its index."""

    default_priority = 500

    def apply(self) -> None:
        """An entry for each HTTP status that a heading names."""
        for section in list(self.document.findall(nodes.section)):
            title = section.next_node(nodes.title)
            numbers = re.findall(r"\b[45]\d\d\b", title.astext()) if title else []
            entries = [("single", number, section["ids"][0], "", None) for number in numbers]
            if entries:
                section.insert(1, addnodes.index(entries=entries))


def setup(app: Sphinx) -> None:
    """What Sphinx calls."""
    app.add_transform(NumbersOfErrors)
