"""The sandbox's controls on a page: what they do counts for whoever asks the desk."""

import re
import socket
from html import unescape

import pytest

from deskclerk.catalogue import ListUsers, UpdateUser
from deskclerk.desk import Desk
from deskclerk.errors import ClerkError
from deskclerk.faces.console.site import Console
from deskclerk.sandbox import KEY, open_sandbox
from deskclerk.sandbox.serving import serving
from deskclerk.settings import Settings
from tests.faces.console.conftest import ORIGIN, Browser, problem
from tests.journeys.attack_corpus import PAYLOADS

pytestmark = pytest.mark.anyio


@pytest.fixture
async def console(tmp_path):
    settings = Settings(home=tmp_path / "home", approval_wait=0, confirm="never", retry_seconds=0)
    async with Desk(settings) as desk:
        yield Console(desk, ORIGIN)


async def send(person, control, **fields):
    page = (await person.get("/sandbox")).text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)[1]
    return await person.http.post(f"{person.home}/sandbox/{control}", data={"csrf": csrf} | fields)


async def page_of(person):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", (await person.get("/sandbox")).text)).split())


async def count(person):
    return len((await person.desk.perform(ListUsers(limit=500))).value["items"])


async def test_a_fault_is_met_by_the_desk_and_cleared(person):
    added = await send(person, "faults.add", method="GET", path="/users", effect="status", status="422")
    assert added.status_code == 303
    with pytest.raises(ClerkError):
        await person.desk.perform(ListUsers())
    shown = (await person.get("/sandbox")).text
    assert "met 1 request" in shown
    fault = re.search(r'name="id" value="(fault_[^"]+)"', shown)[1]
    await send(person, "faults.clear", id=fault)
    assert await count(person) > 0


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"effect": "drop", "status": "503"}, "drops the connection"),
        ({"effect": "truncate", "status": "503", "count": "2"}, "sends half of the answer, done"),
        ({"effect": "delay", "status": "503", "delay": "0.5"}, "waits 0.5 s"),
        ({"effect": "status", "status": "429", "delay": "2"}, "waits 2 s, answers 429"),
    ],
)
async def test_every_kind_of_fault_can_be_chosen(person, fields, said):
    assert (await send(person, "faults.add", method="*", path="*", **fields)).status_code == 303
    assert said in await page_of(person)


async def test_time_passes_stands_and_comes_back(person):
    await send(person, "clock.advance", by="7d")
    assert "7 days ahead of this machine" in await page_of(person)
    await send(person, "clock.set", to="2031-05-06T07:08:09")
    await send(person, "clock.freeze")
    assert "2031-05-06 07:08" in await page_of(person)
    assert "stands still" in await page_of(person)
    await send(person, "clock.release")
    await send(person, "clock.reset")
    shown = await page_of(person)
    assert "stands still" not in shown
    assert "ahead of this machine" not in shown


async def test_a_reset_wants_the_word_and_takes_everybody(person):
    before = await count(person)
    refused = await send(person, "reset", typed="yes")
    assert refused.status_code == 422
    assert "type reset" in problem(refused)
    assert await count(person) == before
    assert (await send(person, "reset", typed="reset")).status_code == 303
    assert await count(person) == 0
    await send(person, "reset", typed="Reset", company="true")
    assert await count(person) == before


async def test_a_seed_goes_in_and_one_that_is_wrong_is_told_with_its_place(person):
    await send(person, "reset", typed="reset")
    text = "users:\r\n  - id: user_ada\r\n    email_address: [ada@example.com]\r\n"
    assert (await send(person, "seed", yaml=text)).status_code == 303
    assert await count(person) == 1
    refused = await send(person, "seed", yaml="users:\n  - nonsense: 1\n")
    assert refused.status_code == 422
    assert "nonsense" in problem(refused)
    assert "nonsense: 1" in refused.text.partition("<textarea")[2]


async def test_what_changes_is_in_the_outbox_and_endpoints_come_and_go(person):
    assert (
        await send(person, "webhooks.add", url="http://127.0.0.1:3000/hook", events="user.*")
    ).status_code == 303
    user = (await person.desk.perform(ListUsers(limit=1))).value["items"][0]
    await person.desk.perform(UpdateUser(user_id=user["id"], first_name="Grace"))
    shown = (await person.get("/sandbox")).text
    assert "user.updated" in shown
    assert "whsec_" in shown
    message = re.search(r'sandbox/outbox.replay".*?name="id" value="([^"]+)"', shown, re.DOTALL)[1]
    assert (await send(person, "outbox.replay", id=message)).status_code == 303
    endpoint = re.search(r'name="id" value="(ep_[^"]+)"', shown)[1]
    assert (await send(person, "webhooks.remove", id=endpoint)).status_code == 303
    assert "http://127.0.0.1:3000/hook" not in await page_of(person)


@pytest.mark.parametrize(
    ("control", "fields", "said"),
    [
        ("clock.advance", {"by": "soon"}, "not a duration"),
        ("faults.add", {"path": "*", "effect": "status", "status": "200"}, "status"),
        ("faults.add", {"path": "*", "effect": "status", "status": "503", "evil": "1"}, "unknown"),
        ("webhooks.add", {"url": "https://example.com/hook"}, "not this machine"),
        ("instances.add", {"slug": "x"}, "no such control"),
        ("faults.clear", {"id": "fault_none"}, "no such fault"),
    ],
)
async def test_what_cannot_be_done_is_told(person, control, fields, said):
    answer = await send(person, control, **fields)
    assert answer.status_code == 422
    assert said in problem(answer)


async def test_without_the_forms_token_nothing_is_reset(person):
    before = await count(person)
    form = {"typed": "reset", "csrf": "x"}
    assert (await person.http.post(f"{person.home}/sandbox/reset", data=form)).status_code == 403
    assert await count(person) == before


async def test_a_sandbox_that_runs_elsewhere_is_controlled_there(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with open_sandbox(tmp_path / "its.db", seed=False) as opened, serving(opened, listener):
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            async with Desk(Settings(home=tmp_path / "home", secret_key=KEY, api_url=url)) as desk:
                person = Browser(Console(desk, ORIGIN))
                async with person.http:
                    await person.sign_in()
                    assert (await send(person, "clock.advance", by="2d")).status_code == 303
                    shown = await page_of(person)
    assert "2 days ahead of this machine" in shown
    assert "only writes the outbox" not in shown
    assert not (tmp_path / "home" / "sandbox.db").exists()


async def test_a_sandbox_that_does_not_answer_is_told(tmp_path, person):
    object.__setattr__(
        person.desk,
        "settings",
        Settings(home=tmp_path, secret_key="sk_test_sandbox", api_url="http://127.0.0.1:9"),
    )
    answer = await person.get("/sandbox")
    assert answer.status_code == 502
    assert "No sandbox answers" in problem(answer)


async def test_what_end_users_wrote_is_inert_in_the_outbox(person):
    user = (await person.desk.perform(ListUsers(limit=1))).value["items"][0]
    await person.desk.perform(
        UpdateUser(user_id=user["id"], first_name=PAYLOADS["html"], last_name=PAYLOADS["bidi"])
    )
    inside = (await person.get("/sandbox")).text.partition("<main")[2]
    assert "&lt;script&gt;" in inside
    assert not set("\u202e\u2066") & set(inside)
    assert not re.search(r"<(script|img)", inside.partition("</main>")[0])
