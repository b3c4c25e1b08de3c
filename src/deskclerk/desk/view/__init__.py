"""In what form an answer is handed over: projected, without secrets, cleaned, cut to a budget.

Everything that leaves the desk for a model, a terminal or a page passes through here. It knows actions and
JSON, and nothing of plans, people or storage.
"""
