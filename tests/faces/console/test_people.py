"""Users and organizations, browsed through the desk: what a page shows, and what it asks for."""

import json
import re
from html import unescape

import httpx2
import pytest

from deskclerk.catalogue import BanUser, GetUser
from deskclerk.desk import Desk
from deskclerk.errors import LimitReached
from deskclerk.faces.console.page import ConsolePage
from deskclerk.faces.console.site import Console
from tests.faces.console.conftest import AGENT, ORIGIN, Browser, problem
from tests.journeys.attack_corpus import PAYLOADS, metadata

pytestmark = pytest.mark.anyio


class Town:
    """A Clerk of users and an organization; `asked` is what reached it, `broken` the path that fails."""

    def __init__(self, count=60):
        self.users = [person_of(f"user_{number:03}", f"Ada {number}") for number in range(count)]
        self.asked = []
        self.broken = None

    async def __call__(self, request):
        path, query = request.url.path.removeprefix("/v1"), dict(request.url.params.multi_items())
        if "user_id" in query:
            query["user_id"] = request.url.params.get_list("user_id")
        self.asked.append((path, query))
        if path == self.broken:
            return httpx2.Response(403, json={"errors": [{"code": "forbidden", "message": "no"}]})
        # Escaped, so that it carries what UTF-8 cannot.
        text, kind = json.dumps(self.answer(path, query)), {"content-type": "application/json"}
        return httpx2.Response(200, content=text, headers=kind)

    def answer(self, path, query):
        match path.strip("/").split("/"):
            case ["users"]:
                ids = [item["id"] for item in self.users]
                if "user_id" in query:
                    return [item for item in self.users if item["id"] in query["user_id"]]
                start = ids.index(query["starting_after"]) + 1 if "starting_after" in query else 0
                start += int(query.get("offset", 0))
                return self.users[start : start + int(query["limit"])]
            case ["users", "count"]:
                return {"object": "total_count", "total_count": len(self.users)}
            case ["users", user_id]:
                return next(item for item in self.users if item["id"] == user_id)
            case ["users", user_id, "organization_memberships"]:
                within = {"id": "org_1", "name": "Acme", "slug": "acme"}
                role = {"role": "org:admin", "role_name": "Admin", "organization": within}
                return {"data": [{"id": "m_1"} | role], "total_count": 1}
            case ["organizations"]:
                return {"data": [{"id": "org_1", "name": "Acme", "slug": "acme"}], "total_count": 1}
            case ["organizations", "org_1"]:
                return {"id": "org_1", "name": "Acme", "slug": "acme", "members_count": 1}
            case ["organizations", "org_1", "memberships"]:
                who = {"user_id": "user_001", "first_name": "Ada", "identifier": "ada@example.com"}
                return {
                    "data": [{"id": "m_1", "role": "org:admin", "public_user_data": who}],
                    "total_count": 1,
                }
            case ["organizations", "org_1", "invitations"]:
                invited = {"id": "oi_1", "email_address": "bo@example.com", "status": "pending"}
                return {"data": [invited], "total_count": 1}
            case ["sessions"]:
                return {"data": [{"id": "sess_1", "status": "active"}], "total_count": 1}
        raise AssertionError(path)


def person_of(user_id, name, **more):
    address = {
        "id": "idn_1",
        "email_address": f"{user_id}@example.com",
        "verification": {"status": "verified"},
    }
    return {"id": user_id, "object": "user", "first_name": name, "email_addresses": [address]} | more


@pytest.fixture
def upstream():
    return Town()


def with_actions(person):
    """As if the page of the actions' forms were among the console's."""
    person.console.pages += (ConsolePage("Actions", "/actions", ()),)


@pytest.mark.promise("the-console")
async def test_every_user_is_reached_page_by_page(person, upstream):
    seen, path = [], "/people"
    while path:
        page = (await person.get(path)).text
        seen += re.findall(r"/people/users/(user_\d+)\"", page)
        onward = re.search(r'href="(\?[^"]+)" rel="next"', page)
        path = onward and "/people" + unescape(onward[1])
    assert seen == [user["id"] for user in upstream.users]
    asked = [query.get("starting_after") for path, query in upstream.asked if path == "/users"]
    assert asked == [None, "user_024", "user_049"]


async def test_a_search_goes_to_clerk_and_stays_on_the_next_page(person, upstream):
    page = unescape((await person.get("/people?query=ada&state=banned")).text)
    sought = {"query": "ada", "banned": "true"}
    assert upstream.asked == [("/users", sought | {"limit": "25"}), ("/users/count", sought)]
    assert 'value="ada"' in page
    assert "?query=ada&state=banned&starting_after=user_024" in page


async def test_looking_is_journalled_as_the_consoles(person):
    await person.get("/people")
    await person.get("/people/users/user_001")
    lines = await person.desk.journal.recent(20)
    assert {(line["face"], line["action"]) for line in lines} == {
        ("console", "clerk_users_list"),
        ("console", "clerk_user_get"),
        ("console", "clerk_user_org_memberships_list"),
        ("console", "clerk_sessions_list"),
    }


async def test_a_users_page_shows_addresses_memberships_sessions_metadata_and_the_journal(person, upstream):
    upstream.users[1] |= {"public_metadata": {"plan": "pro"}, "username": "ada"}
    plan = await person.propose(BanUser(user_id="user_001"))
    await person.decide(plan, "decline")
    page = unescape((await person.get("/people/users/user_001")).text)
    for shown in ("user_001@example.com", "verified", "Acme", "sess_1", '"plan": "pro"', "clerk_user_ban"):
        assert shown in page
    journal = page.partition('id="journal"')[2]
    assert "clerk_user_get" not in journal  # reads are not what happened to somebody


async def test_a_users_page_asks_for_each_thing_once(person, upstream):
    await person.get("/people/users/user_001")
    assert sorted(path for path, _ in upstream.asked) == [
        "/sessions",
        "/users/user_001",
        "/users/user_001/organization_memberships",
    ]


async def test_what_cannot_be_read_is_told_in_its_section_and_the_rest_is_shown(person, upstream):
    upstream.broken = "/sessions"
    answer = await person.get("/people/users/user_001")
    assert answer.status_code == 200
    assert "Acme" in answer.text
    assert "notice" in answer.text.partition('id="sessions"')[2].partition("</section>")[0]


async def test_organizations_are_listed_with_how_many_are_in_them(person, upstream):
    page = unescape((await person.get("/people/organizations?query=ac")).text)
    assert 'href="' + person.home + '/people/organizations/org_1"' in page
    (asked,) = upstream.asked
    assert asked[1] == {"query": "ac", "include_members_count": "true", "limit": "25"}


async def test_an_organizations_page_shows_members_and_invitations(person):
    page = unescape((await person.get("/people/organizations/org_1")).text)
    for shown in (
        "Acme",
        "ada@example.com",
        "org:admin",
        "bo@example.com",
        "pending",
        "/people/users/user_001",
    ):
        assert shown in page


async def test_the_actions_that_apply_are_linked(person, upstream):
    with_actions(person)
    upstream.users[1]["banned"] = True
    page = unescape((await person.get("/people/users/user_001")).text)
    assert "/actions/clerk_user_unban?user_id=user_001" in page
    assert "/actions/clerk_user_ban?" not in page
    assert "/actions/clerk_session_revoke?session_id=sess_1" in page
    page = unescape((await person.get("/people/organizations/org_1")).text)
    assert "/actions/clerk_org_membership_delete?organization_id=org_1&user_id=user_001" in page
    assert "/actions/clerk_org_invitation_revoke?organization_id=org_1&invitation_id=oi_1" in page


async def test_the_journals_lines_lead_to_the_activity_page_where_there_is_one(person):
    plan = await person.propose(BanUser(user_id="user_001"))
    await person.decide(plan, "decline")
    person.console.pages += (ConsolePage("Activity", "/activity", ()),)
    page = unescape((await person.get("/people/users/user_001")).text)
    assert f"{person.home}/activity?target=user_001" in page
    assert re.search(rf'href="{person.home}/activity/[a-zA-Z0-9_]+"><code>clerk_user_ban', page)


@pytest.mark.parametrize("path", ["/people/users/..%2Forganizations", "/people/users/a%3Fb"])
async def test_an_id_is_one_segment(person, upstream, path):
    assert (await person.get(path)).status_code in (404, 422)
    assert upstream.asked == []


@pytest.mark.parametrize(
    "path", ["?starting_after=x&offset=1", "/organizations?offset=-1", "?query=" + "a" * 9000]
)
async def test_a_made_up_address_is_no_fault_of_ours(person, upstream, path):
    upstream.users = [person_of("x", "X")]
    assert (await person.get("/people" + path)).status_code in (200, 422)


async def test_a_clerk_that_refuses_is_told_on_the_page(person, upstream):
    upstream.broken = "/users"
    answer = await person.get("/people")
    assert answer.status_code == 502
    assert problem(answer)


async def test_a_limit_of_the_workspace_is_not_told_as_a_fault_of_clerks(person, monkeypatch):
    async def refused(*_, **__):
        raise LimitReached("As much as may be.", limit="journal_lines", most=1)

    monkeypatch.setattr(Desk, "perform", refused)
    answer = await person.get("/people")
    assert answer.status_code == 429
    assert problem(answer)


@pytest.mark.parametrize("text", PAYLOADS.values(), ids=PAYLOADS)
async def test_what_end_users_wrote_is_inert(person, upstream, text):
    with_actions(person)
    hidden = "\x1b\x9b\u202e\u2066\u200b\u2028\U000e0069\x00"
    extra = {"username": text, "last_name": text, "banned": False, "external_id": text}
    upstream.users = [person_of("user_001", text, public_metadata=metadata(text), **extra)]
    upstream.users[0]["email_addresses"][0]["email_address"] = text
    for path in ("/people", "/people/users/user_001"):
        answer = await person.get(path)
        assert answer.status_code == 200
        inside = answer.text.partition("<main")[2].partition("</main>")[0]
        assert not set(hidden) & set(inside)
        tags = set(re.findall(r"<([a-z0-9]+)", inside))
        assert not tags & {"script", "img", "style", "iframe", "system", "object"}
        assert not re.search(r"<[^>]*\son\w+=", inside)
        assert "javascript:" not in "".join(re.findall(r'(?:href|src|action)="([^"]*)"', inside))


async def test_a_link_that_a_model_was_told_shows_no_people(browser):
    plan = await browser.propose(BanUser(user_id="user_001"))
    await browser.sign_in(plan.id)
    assert (await browser.get("/people")).status_code == 403


@pytest.fixture
def no_worker(monkeypatch):
    monkeypatch.setattr("deskclerk.desk.jobs.jobs.start_worker", lambda *_: False)


async def chosen(person, **fields):
    """The form below the list, and the plan that it led to."""
    answer = await person.post("/people", **fields)
    if answer.status_code != 303:
        return answer, None
    found = re.search(r"/plans/(plan_\w+)$", answer.headers["location"])
    return answer, (await person.desk.plans.load(found[1])).plan


async def test_what_can_be_done_to_several_is_what_wants_nothing_but_the_user(person):
    page = (await person.get("/people")).text
    offered = re.findall(r'<option value="(\w+)"', page.partition('name="action"')[2])
    assert offered == [
        "clerk_user_ban",
        "clerk_user_unban",
        "clerk_user_lock",
        "clerk_user_unlock",
        "clerk_user_delete",
        "clerk_user_profile_image_delete",
        "clerk_user_mfa_disable",
        "clerk_user_totp_delete",
        "clerk_user_backup_codes_delete",
        "clerk_user_password_unset_compromised",
    ]


async def test_those_who_were_ticked_become_one_plan_to_sign(person, upstream, no_worker):
    _, plan = await chosen(
        person, action="clerk_user_ban", whom="chosen", user=["user_003", "user_007", "user_003"]
    )
    assert (plan.heading, plan.job.count) == ("Ban 2 users", 2)
    page = (await person.get(f"/plans/{plan.id}")).text
    assert "Ada 3" in page
    assert "Ada 7" in page
    assert [path for path, _ in upstream.asked if path.endswith("/ban")] == []


async def test_all_who_match_are_found_with_the_search_in_force(person, upstream, no_worker):
    page = unescape((await person.get("/people?query=ada&state=banned")).text)
    assert "all 60 that match “ada”, banned" in page
    upstream.asked.clear()
    _, plan = await chosen(person, action="clerk_user_unban", whom="all", query="ada")
    assert plan.job.count == 0 or "ada" in plan.job.lines[0]
    assert {query.get("query") for path, query in upstream.asked if path == "/users"} >= {"ada"}


async def test_all_there_are_is_said_where_nothing_is_searched(person, no_worker):
    assert "all 60 that there are" in (await person.get("/people")).text
    _, plan = await chosen(person, action="clerk_user_delete", whom="all")
    assert plan.job.count == 60
    # What cannot be taken back wants its words, as a single one does.
    assert plan.words[0] == "delete 60 users on test"
    card = await person.get(f"/plans/{plan.id}")
    assert "delete 60 users on test" in card.text
    refused = await person.decide(plan, typed="user_001")
    assert "does not sign it" in problem(refused)
    assert (await person.decide(plan)).headers["location"].endswith(f"/jobs/{plan.job.id}")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"action": "clerk_user_ban", "whom": "chosen"}, "Nobody was chosen"),
        ({"whom": "all"}, "Choose what to do"),
        ({"action": "clerk_user_create", "whom": "all"}, "Choose what to do"),
        ({"action": "clerk_organization_delete", "whom": "all"}, "Choose what to do"),
        ({"action": "clerk_user_ban", "user": "../x"}, "user_id"),
    ],
)
async def test_what_makes_no_plan_is_told_above_the_list_that_stays(person, fields, said):
    answer, plan = await chosen(person, **fields)
    assert plan is None
    assert answer.status_code == 422
    assert said in problem(answer)
    assert "Ada 1" in answer.text
    assert await person.desk.plans.waiting() == []


async def test_everything_that_is_wrong_is_told_up_to_two_hundred(person, upstream):
    answer, _ = await chosen(
        person, action="clerk_user_ban", user=["user_001", *(f"<b>{number}" for number in range(230))]
    )
    told = problem(answer)
    assert answer.text.count("<li><code>") == 200
    assert "230 things are wrong." in told
    assert "and 30 more" in told
    assert "<b>" not in answer.text
    assert 'value="user_001" checked' in answer.text


async def test_a_form_without_the_pages_own_token_chooses_nobody(person):
    answer = await person.post("/people", csrf="made up", action="clerk_user_ban", whom="all")
    assert answer.status_code == 403
    assert await person.desk.plans.waiting() == []


async def test_where_jobs_are_denied_nobody_is_chosen(open_desk):
    async with open_desk(deny=["clerk_bulk_propose"]) as desk:
        person = Browser(Console(desk, ORIGIN))
        async with person.http:
            await person.sign_in()
            assert "Do one thing to several" not in (await person.get("/people")).text
            answer, _ = await chosen(person, action="clerk_user_ban", user="user_001")
            assert "Choose what to do" in problem(answer)


async def test_a_user_stands_with_the_role_in_each_organization(person):
    page = (await person.get("/people/users/user_001")).text
    section = page.partition('id="belongs"')[2].partition("</section>")[0]
    assert "Acme" in section
    assert "Admin <code>org:admin</code>" in section


async def test_how_many_there_are_is_said_of_users_and_organizations(person):
    assert "60 users.</p>" in (await person.get("/people")).text
    assert "60 users match.</p>" in (await person.get("/people?query=ada")).text
    assert "1 organization.</p>" in (await person.get("/people/organizations")).text


async def test_an_order_goes_to_clerk_and_stays_on_the_next_page(person, upstream):
    page = unescape((await person.get("/people?sort=last_name")).text)
    assert upstream.asked[0][1] == {"order_by": "last_name", "limit": "25"}
    # In any other order than that of creation Clerk has no cursor.
    assert 'href="?sort=last_name&offset=25" rel="next"' in page
    assert '<option value="last_name" selected>' in page


@pytest.mark.parametrize("query", ["sort=shoe_size", "state=asleep"])
async def test_an_order_or_a_state_that_is_none_is_told(person, upstream, query):
    answer = await person.get(f"/people?{query}")
    assert problem(answer)
    assert upstream.asked == []


@pytest.mark.parametrize("sort", ["", "&sort=last_name"])
async def test_locked_users_are_found_by_looking_through_clerks_pages(person, upstream, monkeypatch, sort):
    monkeypatch.setattr("deskclerk.faces.console.pages.people.MOST", 20)
    monkeypatch.setattr("deskclerk.faces.console.pages.people.LOOKED_THROUGH", 40)
    for place in (3, 17, 39, 41, 59):
        upstream.users[place]["locked"] = True
    seen, path, counts = [], f"/people?state=locked{sort}", []
    while path:
        page = unescape((await person.get(path)).text)
        seen += re.findall(r"/people/users/(user_\d+)\"", page)
        counts += re.findall(r"(\d+) locked among (\d+) users", page)
        onward = re.search(r'href="(\?[^"]+)" rel="next">Look further', page)
        path = onward and "/people" + onward[1]
    assert seen == ["user_003", "user_017", "user_039", "user_041", "user_059"]
    assert counts == [("3", "40"), ("2", "20")]


async def test_all_who_are_locked_are_not_chosen_unseen(person, upstream):
    upstream.users[3]["locked"] = True
    page = (await person.get("/people?state=locked")).text
    assert 'value="chosen"' in page
    assert 'value="all"' not in page
    answer, plan = await chosen(person, action="clerk_user_unlock", whom="all", state="locked")
    assert plan is None
    assert "Tick those that are meant." in problem(answer)


async def test_what_an_agent_reads_stands_beside_what_clerk_has(person, upstream):
    upstream.users[1] |= {"profile_image_url": "https://img.test/1", "public_metadata": {"plan": "pro"}}
    agent = (await person.desk.perform(GetUser(user_id="user_001"), caller=AGENT)).value
    upstream.asked.clear()
    page = unescape((await person.get("/people/users/user_001")).text)
    section = page.partition('id="agent"')[2].partition("</section>")[0]
    shown, whole = (json.loads(text) for text in re.findall(r"<pre[^>]*>(.*?)</pre>", section, re.DOTALL))
    assert shown == agent
    assert whole == upstream.users[1]
    assert "profile_image_url" not in shown
    assert 'clerk_user_get {"user_id": "user_001"}' in section
    assert [path for path, _ in upstream.asked].count("/users/user_001") == 1


async def test_what_an_agent_may_not_read_is_said_with_the_setting(open_desk):
    async with open_desk(callers={"mcp": {"deny": ["clerk_user_get"]}}) as desk:
        person = Browser(Console(desk, ORIGIN))
        async with person.http:
            await person.sign_in()
            page = unescape((await person.get("/people/users/user_001")).text)
    section = page.partition('id="agent"')[2].partition("</section>")[0]
    assert "An agent is not shown this: it is denied for caller mcp." in section
    assert "user_001@example.com" in section
    assert section.count("<pre") == 1


async def test_what_is_secret_stands_in_neither_form(person, upstream):
    upstream.users[1]["password_digest"] = "$2b$secret"
    upstream.users[1]["totp_secret"] = "JBSWY3DP"
    page = (await person.get("/people/users/user_001")).text
    assert "JBSWY3DP" not in page
    assert "$2b$secret" not in page


async def test_what_is_seldom_done_to_somebody_lies_folded_below_what_is_done_often(person):
    page = (await person.get("/people/users/user_001")).text
    often, _, seldom = page.partition('<details class="menu">')
    assert "/actions/clerk_user_ban?user_id=user_001" in often
    assert "/actions/clerk_user_password_remove" not in often
    assert "/actions/clerk_user_password_remove?user_id=user_001" in seldom.partition("</details>")[0]
    assert seldom.partition("</details>")[0].count("/actions/") == int(
        re.search(r"(\d+) more actions", seldom)[1]
    )
