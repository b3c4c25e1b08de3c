"""A Redis server of a test's own, on a free port of loopback; it keeps nothing and ends with the test.

It is ended by its process, never by its name: other tests have servers of their own.
"""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from redis import Redis, RedisError

_SECONDS = 10.0


class RedisServer:
    def __init__(self, folder, port, password=""):
        self.folder, self.port, self.password = folder, port, password
        self._process = None

    @property
    def url(self):
        secret = f":{self.password}@" if self.password else ""
        return f"redis://{secret}127.0.0.1:{self.port}/0"

    def start(self):
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self.folder, "save": "", "appendonly": "no"}
        options |= {"requirepass": self.password} if self.password else {}
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        program = shutil.which("redis-server") or shutil.which("valkey-server")
        assert program, "no Redis server is installed (Debian: apt-get install redis-server)"
        with (self.folder / "log").open("a") as log:
            self._process = subprocess.Popen([program, *words], stdout=log, stderr=log)
        until = time.monotonic() + _SECONDS
        with Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                    return
                except RedisError:
                    assert time.monotonic() < until, (self.folder / "log").read_text()
                    time.sleep(0.01)

    def kill(self):
        """As a crash: nothing is said to anybody."""
        self._process.kill()
        self._process.wait()

    def freeze(self):
        """As a network that swallows everything: connections stay open, and nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)

    def ask(self, *words):
        with Redis.from_url(self.url, decode_responses=True) as client:
            return client.execute_command(*words)


@contextmanager
def running(password=""):
    """A server; it may be killed and started again."""
    folder = Path(tempfile.mkdtemp(prefix="deskclerk-redis-"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = RedisServer(folder, port, password)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)
