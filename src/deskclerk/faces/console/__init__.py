"""WHO asks: a person in a browser, who signs, looks and takes back.

`site.py` puts the console together, `authentication.py` lets people in and stands before every page,
`changes_feed.py` tells pages what is new, and `pages/` holds the pages.

A page is a module in `pages/` with a `PAGE` (its title, its path, its routes) and a template of its name that
extends `base.html`; `PAGES` lists it, and the navigation follows. Handlers take what they need from
`page.py` (`desk_of`, `form_of`, `home_of`), answer with `rendering.render`, and let the desk's errors rise:
`rendering.py` makes pages of them. Addresses begin with `{{ home }}`; every form carries `csrf(session)`;
what somebody else wrote goes through `said`. Session and token have been checked before a handler runs.
"""
