"""Where tests keep what they write: SQLite files, or databases of a PostgreSQL server that they start.

PostgreSQL refuses root: where the tests are root's, the server runs as its own user, or as nobody. It
listens on a socket in a folder of its own, and ends with the tests.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Protocol

from sqlalchemy import make_url


class Databases(Protocol):
    def new(self):
        """A path or URL where nothing is yet."""

    def copied(self, place):
        """A context with a copy of a database that nobody has open."""


class Sqlite:
    def __init__(self, folder):
        self.folder, self.numbers = folder, count()

    def new(self):
        return self.folder / f"new-{next(self.numbers)}" / "sandbox.db"

    @contextmanager
    def copied(self, place):
        copy = self.folder / f"copy-{next(self.numbers)}.db"
        shutil.copy(place, copy)
        try:
            yield copy
        finally:
            for path in self.folder.glob(f"{copy.name}*"):
                path.unlink()


class Postgres:
    def __init__(self, folder):
        self.folder, self.numbers = folder, count()

    def url(self, name):
        return f"postgresql://deskclerk@/{name}?host={self.folder}"

    def new(self):
        name = f"new_{next(self.numbers)}"
        self.run(f"CREATE DATABASE {name}")
        return self.url(name)

    @contextmanager
    def copied(self, place):
        name = f"copy_{next(self.numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {make_url(place).database}")
        try:
            yield self.url(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def run(self, statement, database="postgres"):
        import psycopg  # noqa: PLC0415 - only with --postgres

        with psycopg.connect(
            f"host={self.folder} user=deskclerk dbname={database}", autocommit=True
        ) as server:
            server.execute(statement)

    @classmethod
    @contextmanager
    def started(cls, *settings):
        """A server without anything in it; it syncs nothing to the disk, unless the settings say so."""
        programs, user = server_programs(), _user()
        folder = Path(tempfile.mkdtemp(prefix="deskclerk-pg-"))
        try:
            if user:
                os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
            data = folder / "data"
            # Another language's order than that of the code points, as most servers have.
            language = ("--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US")
            make = [programs / "initdb", "-D", data, "-U", "deskclerk", "-A", "trust", "-N", "-E", "UTF8"]
            subprocess.run([*make, *language], check=True, capture_output=True, user=user, cwd=folder)
            options = ["fsync=off", "full_page_writes=off", "max_connections=100", *settings]
            options = [word for option in (*options, "listen_addresses=") for word in ("-c", option)]
            start = [programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "start", "-o"]
            line = " ".join([*options, "-k", str(folder)])
            subprocess.run([*start, line], check=True, capture_output=True, user=user, cwd=folder)
            try:
                yield cls(folder)
            finally:
                stop = [programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"]
                subprocess.run(stop, check=True, capture_output=True, user=user, cwd=folder)
        finally:
            shutil.rmtree(folder)


def server_programs():
    """The folder of the newest server's programs."""
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    found = sorted(debian, key=lambda path: int(path.parts[-3])) or [Path(shutil.which("initdb") or "/")]
    assert found[-1].is_file(), "PostgreSQL's server is not installed (Debian: apt-get install postgresql)"
    return found[-1].parent


def _user():
    """Whom the server runs as: None for the user of the tests."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
