"""How Sphinx makes the site of these pages: `make docs-site`, every warning an error."""

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
suppress_warnings = ["misc.highlighting_failure"]
