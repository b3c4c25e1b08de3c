"""Standard input with whatever in it: what asks for something is answered, and the next line is read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskclerk.faces.mcp.stdio_lines import LONGEST
from tests.contract.arguments import JSON
from tests.faces.mcp import processes
from tests.faces.mcp.processes import environment, request
from tests.fuzz.processes import memory, stdio

MOST_MEMORY = 200
"""MiB; without any of this it has 75."""
PARSE_ERROR, INVALID_REQUEST, INVALID_PARAMS = -32700, -32600, -32602
IDS = st.one_of(st.integers(0, 2**31), st.text(max_size=8), JSON)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.sampled_from(["2.0", "1.0", 2, None]),
        "id": IDS,
        "method": st.one_of(
            st.sampled_from(["ping", "tools/list", "tools/call", "initialize", "server/discover", "nothing"]),
            st.text(max_size=10),
            JSON,
        ),
        "params": st.one_of(
            JSON,
            st.fixed_dictionaries(
                {"name": st.one_of(st.just("clerk_users_list"), JSON), "arguments": JSON},
                optional={"_meta": JSON, "inputResponses": JSON, "requestState": JSON, "task": JSON},
            ),
        ),
        "result": JSON,
        "error": JSON,
    },
)
LINES = st.one_of(
    st.binary(max_size=200).map(lambda line: line.replace(b"\n", b"")),
    JSON.map(lambda value: json.dumps(value).encode()),
    MESSAGES.map(lambda value: json.dumps(value).encode()),
    st.lists(MESSAGES, max_size=3).map(lambda value: json.dumps(value).encode()),
    MESSAGES.map(lambda value: json.dumps(value).encode()[:-3]),
)


@pytest.fixture(scope="module")
def clerk():
    return processes.Upstream()


@pytest.fixture(scope="module")
def client(clerk, tmp_path_factory):
    with (
        processes.serving(clerk) as origin,
        stdio(environment(tmp_path_factory.mktemp("home"), origin)) as client,
    ):
        yield client
        client.process.stdin.close()
        assert client.process.wait(20) == 0
        assert b"Traceback" not in client.process.stderr.read()


@pytest.fixture(autouse=True)
def bounded(client):
    yield
    assert memory(client.process.pid) < MOST_MEMORY


@given(lines=st.lists(LINES, min_size=1, max_size=20))
def test_whatever_the_lines_are_the_next_one_is_read(client, clerk, lines):
    for line in lines:
        client.write(line + b"\n")
    for message in client.ping():
        assert message["jsonrpc"] == "2.0"
        assert message.get("error", {}).get("code") != -32603
    assert clerk.writes == []


@pytest.mark.parametrize(
    ("line", "asked", "code"),
    [
        (b"{", None, PARSE_ERROR),
        (b"\xff\xfe\x00", None, PARSE_ERROR),
        (b"[" * 100_000, None, PARSE_ERROR),
        (b"7", None, INVALID_REQUEST),
        (b'[{"jsonrpc":"2.0","id":7,"method":"ping"}]', None, INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{"x":"\\ud800"}}', 7, INVALID_REQUEST),
        (b'{"jsonrpc":"1.0","id":"seven","method":"ping"}', "seven", INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":7,"method":"ping","params":{"x":' + b"9" * 5000 + b"}}", 7, INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{}}', 7, INVALID_PARAMS),
        (b'{"jsonrpc":"2.0","id":7,"method":"ping"}' + b" " * LONGEST, 7, INVALID_REQUEST),
        (
            b'{"method":"ping","params":{"x":"' + b"x" * LONGEST + b'"},"jsonrpc":"2.0","id":"a"}',
            "a",
            INVALID_REQUEST,
        ),
        (b'{"method":"ping","params":{"x":"' + b"x" * LONGEST + b'","id":7}}', None, INVALID_REQUEST),
    ],
    ids=lambda value: value[:40] if isinstance(value, bytes) else None,
)
def test_a_line_that_is_no_request_is_answered_with_what_is_wrong(client, line, asked, code):
    client.write(line + b"\n")
    (answer,) = client.ping()
    assert (answer["id"], answer["error"]["code"]) == (asked, code)


def test_a_line_of_ten_megabytes_costs_its_bound_and_no_more(client):
    client.write(json.dumps(request(7, "tools/call", name="y" * 10 * 2**20, arguments={})).encode() + b"\n")
    (answer,) = client.ping()
    assert f"at most {LONGEST:,} bytes" in answer["error"]["message"]


def test_names_that_nobody_has_cost_little_however_long_and_many(client):
    for given_arguments in ({"y" * 3 * 2**20: 1}, {f"unknown_{number}": 1 for number in range(50_000)}):
        line = request(7, "tools/call", name="clerk_users_list", arguments=given_arguments)
        client.write(json.dumps(line).encode() + b"\n")
        answer = client.until(7)
        assert "unknown argument" in answer["result"]["content"][0]["text"]
    client.write(json.dumps(request(8, "tools/call", name="y" * 3 * 2**20, arguments={})).encode() + b"\n")
    answer = client.until(8)
    assert answer["error"]["code"] == INVALID_PARAMS


def test_thousands_of_requests_at_once_are_all_answered(client):
    client.write(b"".join(json.dumps(request(number, "ping")).encode() + b"\n" for number in range(5000)))
    assert sorted(message["id"] for message in client.ping()) == list(range(5000))


def test_what_comes_without_its_end_is_waited_for(client):
    whole = json.dumps(request(7, "ping")).encode() + b"\n"
    for piece in (whole[:1], whole[1:20], whole[20:]):
        client.write(piece)
    assert [message["id"] for message in client.ping()] == [7]


def test_what_never_ends_is_left_when_its_client_goes(tmp_path):
    with stdio(environment(tmp_path / "home", "http://127.0.0.1:9")) as client:
        client.write(b'{"jsonrpc":"2.0","id":7,' + b" " * 10 * 2**20)
        client.process.stdin.close()
        assert client.process.wait(20) == 0
