"""WHO asks: a person in a browser, who signs, looks and takes back.

`site.py` puts the console together, `door.py` lets people in, `gate.py` stands before every page, `feed.py`
tells pages what is new, and `pages/` holds the pages.

A page is a module in `pages/` with a `PAGE` (its title, its path, its routes) and a template of its name that
extends `base.html`; `PAGES` lists it, and the navigation follows. Handlers take what they need from
`page.py` (`desk_of`, `form_of`, `home_of`), answer with `rendering.render`, and let the desk's errors rise:
`failures.py` makes pages of them. Addresses begin with `{{ home }}`; every form carries `csrf(session)`; what
somebody else wrote goes through `said`. The gate has checked session and token before a handler runs.
"""
