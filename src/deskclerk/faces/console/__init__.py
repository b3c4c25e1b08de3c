"""WHO asks: a person in a browser, who signs, looks and takes back.

`site.py` puts the console together, `door.py` lets people in, `gate.py` stands before every page and
`pages/` holds the pages, one module each: its routes, its view-model, its template of the same name.
"""
