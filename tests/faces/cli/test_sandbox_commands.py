"""Every sub-command of `deskclerk sandbox`: on a database, and on a sandbox that runs."""

import gzip
import json

import httpx2
import pytest

from tests.faces.cli.processes import serving

PEOPLE = """
users:
  - {id: user_ada, email_address: [ada@example.com]}
organizations:
  - {id: org_acme, name: Acme, created_by: user_ada}
"""
TOKEN = "a-token-of-sixteen-or-more"


@pytest.fixture(scope="module")
def served(databases):
    """A sandbox that runs, for the tests that leave it as they find it or reset it."""
    with serving("sandbox", "--db", str(databases.new())) as said:
        yield said


@pytest.fixture(params=["database", "running"])
def control(request, run, place):
    """Run a sub-command; its answer."""
    if request.param == "database":
        where = ("--db", str(place))
    else:
        where = ("--url", request.getfixturevalue("served")["url"])

    def controlled(*words, stdin=""):
        ran = run("sandbox", *where, *words, stdin=stdin)
        assert ran.code == 0, ran.err
        (answer,) = ran.lines
        return answer

    controlled("reset")
    return controlled


@pytest.mark.promise("sandbox-controls")
def test_a_file_is_seeded_kept_in_a_snapshot_and_restored(control, tmp_path):
    assert control("seed", "-", stdin=PEOPLE)["seeded"] == {"users": 1, "organizations": 1}
    file = tmp_path / "kept"
    assert control("snapshot", str(file))["bytes"] == len(file.read_bytes())
    control("reset")
    control("seed", "--company")
    control("restore", str(file))
    again = tmp_path / "again"
    control("snapshot", str(again))
    assert rows(again) == rows(file)
    assert [row[0] for row in rows(file)["users"]] == ["user_ada"]


def test_made_up_people_are_as_many_as_asked_for(control):
    assert control("seed", "--people", "25")["seeded"]["users"] == 25


def test_the_clock_is_set_advanced_frozen_and_let_go(control):
    moment = 1_800_000_000_000
    frozen = control("clock", "freeze", str(moment))
    assert (frozen["now"], frozen["frozen"]) == (moment, True)
    assert control("clock", "advance", "2h30m")["now"] == moment + 9_000_000
    assert control("clock", "show")["now"] == moment + 9_000_000
    assert control("clock", "release")["frozen"] is False
    assert control("clock", "set", "2030-01-01")["now"] // 10_000 == 189_345_600
    assert abs(control("clock", "reset")["now"] - 1_893_456_000_000) > 10**9


def test_what_is_set_on_the_database_counts_at_once_for_a_sandbox_that_runs(run, databases):
    place = str(databases.new())
    with serving("sandbox", "--db", place) as said:
        assert run("sandbox", "--db", place, "clock", "freeze", "1800000000000").code == 0
        assert run("sandbox", "--db", place, "faults", "add", "GET", "/users", "--status", "503").code == 0
        (shown,) = run("sandbox", "--url", said["url"], "clock", "show").lines
        headers = {"authorization": f"Bearer {said['secret_key']}"}
        assert httpx2.get(f"{said['backend_api']}/users", headers=headers).status_code == 503
        made = httpx2.post(f"{said['backend_api']}/users", headers=headers, json={"username": "ada_1"})
    assert (shown["now"], made.json()["created_at"]) == (1_800_000_000_000, 1_800_000_000_000)


def test_a_fault_is_met_as_often_as_it_says(control):
    made = control("faults", "add", "get", "/users/*", "--status", "503", "--count", "2")
    (listed,) = control("faults", "list")["faults"]
    assert (listed["id"], listed["method"], listed["remaining"]) == (made["id"], "GET", 2)
    control("faults", "clear", made["id"])
    assert control("faults", "list")["faults"] == []


def test_limits_and_instances_are_set_and_listed(control):
    control("limits", "live")
    assert set(control("limits")["limits"].values()) == {"live"}
    control("limits", "off")
    made = control("instances", "add", "second", "--kind", "live")
    assert made["secret_key"].startswith("sk_live_")
    assert [item["slug"] for item in control("instances", "list")["instances"]] == ["sandbox", "second"]
    control("instances", "remove", "second")
    assert len(control("instances", "list")["instances"]) == 1


def test_what_happened_is_told_to_an_endpoint_and_stands_in_the_outbox(control):
    made = control("webhooks", "add", "http://127.0.0.1:9/hook", "--event", "user.*")
    assert made["secret"].startswith("whsec_")
    assert [item["id"] for item in control("webhooks", "list")["endpoints"]] == [made["id"]]
    assert control("outbox", "list")["messages"] == []
    control("webhooks", "remove", made["id"])
    assert control("webhooks", "list")["endpoints"] == []


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("clock", "advance", "soon"), 2, "by: not a duration; accepted"),
        (("seed",), 2, "FILE, --company or --people"),
        (("instances", "remove", "nobody"), 2, "known: sandbox"),
        (("webhooks", "add", "https://hooks.example.com"), 2, "this machine"),
        (("faults", "clear", "flt_none"), 2, "no such fault"),
        (("outbox", "replay", "msg_none"), 2, "no such message"),
        (("--url", "http://127.0.0.1:9", "clock", "show"), 1, "No sandbox answers"),
        (("--url", "http://127.0.0.1:9"), 2, "sub-command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_done_is_said(run, tmp_path, words, code, told):
    ran = run("sandbox", "--db", str(tmp_path / "clerk.db"), *words)
    assert (ran.code, told in ran.err, ran.out) == (code, True, ""), ran.err


def test_beyond_loopback_the_controls_want_the_token(run, monkeypatch, tmp_path):
    words = ("sandbox", "--host", "0.0.0.0", "--db", str(tmp_path / "clerk.db"))
    with serving(*words, stderr="other machines") as said:
        assert httpx2.get(f"{local(said)}/sandbox/clock").status_code == 403
    monkeypatch.setenv("DESKCLERK_TOKEN", TOKEN)
    with serving(*words, stderr="other machines") as said:
        assert httpx2.get(f"{local(said)}/sandbox/clock").status_code == 403
        assert run("sandbox", "--url", local(said), "clock", "show").code == 0
        monkeypatch.setenv("DESKCLERK_TOKEN", f"{TOKEN}-another")
        assert run("sandbox", "--url", local(said), "clock", "show").code == 2


def local(said):
    return said["url"].replace("0.0.0.0", "127.0.0.1")


def rows(file):
    """A snapshot's rows by table; how often the controls were used is nobody's data."""
    tables = {}
    for line in map(json.loads, gzip.decompress(file.read_bytes()).decode().splitlines()):
        if isinstance(line, dict):
            kept = tables.setdefault(line.get("table"), [])
        else:
            kept.append(line)
    return {table: lines for table, lines in tables.items() if table != "sandbox_state"}
