"""A Clerk of users who can be banned, made and deleted, that counts what reaches it."""

import json
import random
import threading
import time
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Referee:
    """Users by id; every ban is counted, whatever became of its answer."""

    def __init__(self, count):
        self.bans = Counter()
        self.lock = threading.Lock()
        self.users = {f"user_{number:05}": self.user(number) for number in range(count)}
        self.lists = 0
        self.slow = 0.02

    @staticmethod
    def user(number):
        return {
            "id": f"user_{number:05}",
            "object": "user",
            "first_name": f"Number {number}",
            "banned": False,
            "created_at": 1_700_000_000_000 + number,
            "updated_at": 1,
        }

    def listed(self, query):
        self.lists += 1
        wanted = [user for user in query.get("user_id", []) if user in self.users] or sorted(self.users)
        limit, offset = int(query.get("limit", ["10"])[0]), int(query.get("offset", ["0"])[0])
        if after := query.get("starting_after", [""])[0]:
            offset = wanted.index(after) + 1
        return [self.users[user] for user in wanted[offset : offset + limit]]

    def ban(self, user_id):
        with self.lock:
            self.bans[user_id] += 1
        # Somewhere in the middle a worker may be killed: before it is done, or before it is told.
        time.sleep(random.random() * self.slow)
        self.users[user_id] = self.users[user_id] | {"banned": True, "updated_at": 2}
        time.sleep(random.random() * self.slow)
        return self.users[user_id]


@contextmanager
def serving(referee):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            if parts.path.endswith("/users/count"):
                self.answer({"object": "total_count", "total_count": len(referee.users)})
            elif parts.path.endswith("/users"):
                self.answer(referee.listed(query))
            elif parts.path.endswith("/sessions"):
                self.answer({"data": [], "total_count": 0})
            else:
                self.answer(referee.users[parts.path.rpartition("/")[2]])

        def do_POST(self):
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.answer(referee.ban(self.path.split("/")[3]))

        def answer(self, value):
            data = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_): ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_): ...  # whoever asked was killed

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
