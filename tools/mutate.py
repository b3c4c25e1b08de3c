"""Breaks promises on purpose: each line named in tests/promises.toml, in a copy, and its test has to fail.

python tools/mutate.py              all of them
python tools/mutate.py it-expires   those of these promises
"""

import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
# The promises stand with the tests that keep them.
sys.path.insert(0, str(ROOT))
from tests.promises import MUTATIONS, Mutation  # noqa: E402

SECONDS = 120
_FAILED = 1
"""How pytest ends where a test failed; any other way it has shown nothing."""


def main(names: list[str]) -> int:
    """Break each promise named, or every one; the exit code."""
    if unknown := set(names) - {item.promise for item in MUTATIONS}:
        print(f"no mutation breaks {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    chosen = [item for item in MUTATIONS if not names or item.promise in names]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        survived = [text for text in pool.map(survives, chosen) if text]
    for text in survived:
        print(text, file=sys.stderr)
    print(f"{len(chosen) - len(survived)} passed, {len(survived)} failed")
    return 1 if survived else 0


def survives(mutation: Mutation) -> str:
    """What is wrong if the promise's test does not fail with the broken line; empty if it does."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "src"
        shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
        path = Path(folder) / mutation.file
        path.write_text(path.read_text("utf-8").replace(mutation.line, mutation.broken), "utf-8")
        # Before the installed package, for the processes that the test starts too.
        env = os.environ | {"PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", mutation.test]
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    if done.returncode == _FAILED:
        return ""
    what = "passes" if done.returncode == 0 else f"ended with {done.returncode}: {done.stdout[-500:]}"
    return f"{mutation.promise}: {mutation.file} is broken, and {mutation.test} {what}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
