"""A desk of many workspaces."""
