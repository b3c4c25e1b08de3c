"""Secrets that Clerk hands out once, and those that a person enters."""

import re

import pytest

from deskclerk.desk.secrets.handovers import LocalHandovers
from tests.faces.console.conftest import problem

pytestmark = pytest.mark.anyio
ANSWER = {"object": "oauth_application", "id": "oa_1", "name": "Portal", "client_secret": "s3cret-canary"}


@pytest.fixture
def handovers(tmp_path):
    found = LocalHandovers(tmp_path / "handover", to_console=True)

    async def attend():
        return "http://127.0.0.1:1/secrets"

    found.open_console = attend
    return found


@pytest.mark.promise("shown-once-goes-to-the-person")
async def test_with_a_console_a_secret_stays_in_memory_until_it_is_taken_once(handovers, tmp_path):
    rest, notes = await handovers.keep(ANSWER)
    assert "s3cret" not in str(rest) + str(notes) + str(await handovers.listed())
    assert not (tmp_path / "handover").exists()
    (listed,) = await handovers.listed()
    assert (await handovers.take(listed.id)).values == {"client_secret": "s3cret-canary"}
    assert await handovers.take(listed.id) is None
    assert await handovers.listed() == []


async def test_what_nobody_took_is_in_a_file_after_an_orderly_end(handovers, tmp_path):
    await handovers.keep(ANSWER)
    await handovers.save()
    (path,) = (tmp_path / "handover").iterdir()
    assert path.read_text() == "client_secret = s3cret-canary\n"
    assert path.stat().st_mode & 0o777 == 0o600
    (listed,) = await handovers.listed()
    assert (await handovers.take(listed.id)).values == {"client_secret": "s3cret-canary"}
    assert list((tmp_path / "handover").iterdir()) == []


async def test_a_console_that_cannot_start_leaves_the_file(handovers, tmp_path):
    async def fails():
        raise OSError

    handovers.open_console = fails
    _, notes = await handovers.keep(ANSWER)
    assert str(tmp_path) in notes[0]
    assert (await handovers.listed())[0].title == "oauth_application-oa_1"


@pytest.mark.parametrize("name", ["../desk.db", "..", "/etc/passwd", ".x.taken", "", "oauth\0"])
async def test_only_what_is_listed_can_be_taken(handovers, tmp_path, name):
    (tmp_path / "desk.db").write_text("a = b")
    assert await handovers.take(name) is None
    assert (tmp_path / "desk.db").exists()


async def test_a_hand_over_is_shown_on_its_page_and_then_nowhere(person, tmp_path):
    kept = person.desk.handovers
    await kept.keep(ANSWER)
    listing = (await person.get("/secrets")).text
    assert "s3cret" not in listing
    shown = re.search(r'name="id" value="([^"]+)"', listing)[1]
    assert 'value="s3cret-canary"' in (await person.post("/secrets/hand-over", id=shown)).text
    again = await person.post("/secrets/hand-over", id=shown)
    assert again.status_code == 422
    assert "shown once" in problem(again)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "../x", "value": "v"}, "not a name for a secret"),
        ({"name": "x", "value": ""}, "Fill in one of the two"),
        ({"name": "x", "value": "a", "lines": "b"}, "Fill in one of the two"),
    ],
)
async def test_what_is_no_secret_is_not_stored_and_never_repeated(person, fields, said):
    answer = await person.post("/secrets", **{"lines": "", **fields})
    assert answer.status_code == 422
    assert said in problem(answer)
    assert await person.desk.secrets.listed() == []


async def test_a_key_keeps_its_lines(person, tmp_path):
    await person.post("/secrets", name="key", value="", lines="-----BEGIN\r\nAAAA\r\n-----END\r\n")
    assert (tmp_path / "home" / "secrets" / "key").read_text() == "-----BEGIN\nAAAA\n-----END"


async def test_a_name_from_an_address_is_shown_escaped_and_cleaned(person):
    page = (await person.get('/secrets?name="><script>\u202e\u200b')).text
    assert "<script>" not in page
    assert not {"\u202e", "\u200b"} & set(page)
