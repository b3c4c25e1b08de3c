"""Connections to companies' identity providers, in their newer and their older view, and the portal's links.

Rules and answers only; a request comes in as a `Call`, checked and inside its transaction. Nobody signs in
here: a connection is what was set up, and no identity provider is ever asked.
"""
