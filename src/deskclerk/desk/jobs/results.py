"""The result of a job as a file: one JSON line an item, for its owner only."""

import json
import os
from pathlib import Path

from deskclerk.desk.jobs.job import Item
from deskclerk.desk.jobs.store import JobStore
from deskclerk.system.private_files import make_private_folder, open_private, replace, sync


async def write_results(store: JobStore, job_id: str, path: Path) -> int:
    """Write what has become of every item, in their order; how many lines."""
    make_private_folder(path.parent)
    draft, lines = path.with_suffix(".draft"), 0
    draft.unlink(missing_ok=True)
    descriptor = open_private(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        async for item in store.every_item(job_id):
            file.write(result_line(item))
            lines += 1
        file.flush()
        sync(file.fileno())
    replace(draft, path)
    return lines


def result_line(item: Item) -> str:
    """One item: what it was, how it ended, and why."""
    told = {
        "number": item.number,
        "line": item.line,
        "action": item.action if item.arguments else None,
        "name": item.name,
        "arguments": dict(item.arguments) or None,
        "outcome": item.status,
        "entry": item.entry,
        "made": item.made,
        "error": item.error,
    }
    kept = {name: value for name, value in told.items() if value is not None}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")) + "\n"
