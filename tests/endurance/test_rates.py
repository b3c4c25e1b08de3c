"""Several processes on one instance, one of them killed: Clerk is never asked more than it takes."""

import subprocess
import sys
import threading
import time
from bisect import bisect_left
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

PROCESSES, EACH = 3, 70
CHILD = Path(__file__).with_name("rate_child.py")
USER = b'{"object": "user", "id": "user_1"}'


@pytest.fixture
def clerk():
    """Where a Clerk answers, and when each request reached it."""
    times = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            times.append(time.monotonic())
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(USER)))
            self.end_headers()
            self.wfile.write(USER)

        def log_message(self, *_): ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", times
        server.shutdown()
        thread.join()


@pytest.mark.promise("rate-limits-are-kept")
def test_processes_of_one_machine_never_ask_more_than_clerk_takes(tmp_path, clerk):
    origin, times = clerk
    program = [sys.executable, CHILD, tmp_path / "home", origin]
    killed = subprocess.Popen([*program, "1000"])
    children = [subprocess.Popen([*program, str(EACH)]) for _ in range(PROCESSES)]
    try:
        while len(times) < 60:
            time.sleep(0.01)
        killed.kill()
        assert [child.wait(timeout=90) for child in children] == [0] * PROCESSES
    finally:
        for child in (killed, *children):
            child.kill()
            child.wait()
    assert len(times) >= PROCESSES * EACH
    times.sort()
    busiest = max(bisect_left(times, start + 10) - index for index, start in enumerate(times))
    assert 80 <= busiest <= 100
