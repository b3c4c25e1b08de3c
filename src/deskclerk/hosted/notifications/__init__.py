"""Tells the people of workspaces what waits for them: destinations, what is to be told, and its delivery."""
