"""WHO asks at a hosted desk: people who sign in by name, and what a workspace's pages show them.

`site.py` has what all pages find at hand, `access.py` lets people in and stands before every page, and
`workspace_pages/` holds the pages of a workspace; the console of each of its instances is the same as on a
desk of one's own.
"""
