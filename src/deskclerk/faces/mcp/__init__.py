"""WHO asks: AI agents, over the Model Context Protocol, on stdio (`stdio.py`) and HTTP (`http.py`).

`tools.py` says what a model reads, `server.py` answers the protocol in both of its eras, `calls.py`
takes one call to the desk, `features.py` answers for `prompts.py`, `resources.py` and `completions.py`,
`elicitation.py` puts a plan before a person, `http_access.py` says who
may come over HTTP.
"""
