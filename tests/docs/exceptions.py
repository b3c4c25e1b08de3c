"""Blocks of the pages that show a command and are not run by a test, and why."""

NOT_RUN: dict[tuple[str, str], str] = {}
