"""Invitations and members: who comes in, as what, and who goes."""

import asyncio
import re

import pytest
from sqlalchemy import text

from deskclerk.errors import InvalidRequest
from deskclerk.hosted.limits import reached
from deskclerk.hosted.people.invitations import DAYS, OPERATOR
from deskclerk.hosted.people.members import Members
from tests.hosted.people.conftest import told

pytestmark = pytest.mark.anyio
PAGE = "/w/acme/members"


async def invited(acme, email="kim@example.com", role="signer"):
    """The path of a new invitation's link."""
    answer = await acme.browsers["owner"].post(f"{PAGE}/invite", page=PAGE, email=email, role=role)
    return re.search(r'value="http://localhost:8765(/invitations/[^"]+)"', answer.text)[1]


async def roles(site, acme):
    found = await Members(site.hosted, acme.record.id).list()
    return {item.person.name.partition(" ")[0]: item.role for item in found}


async def test_who_is_invited_signs_in_with_that_address_and_becomes_a_member(acme, person_in, site):
    link = await invited(acme, " Kim@Example.com ")
    kim, _ = await person_in("Kim")
    shown = await kim.get(link)
    assert "Join Acme" in shown.text
    assert "Kim" not in await roles(site, acme)
    joined = await kim.post(link)
    assert joined.headers["location"] == "/w/acme/"
    assert (await roles(site, acme))["Kim"] == "signer"
    assert (await kim.get("/w/acme/")).status_code == 200


async def test_an_invitation_counts_once_even_for_many_at_once(acme, person_in, site):
    link = await invited(acme)
    kim, _ = await person_in("Kim")
    csrf = re.search(r'name="csrf" value="([^"]+)"', (await kim.get(link)).text)[1]
    answers = await asyncio.gather(*(kim.post(link, csrf=csrf) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [303, 404, 404, 404, 404]


async def test_a_link_is_for_the_address_that_was_invited_alone(acme, person_in, site):
    link = await invited(acme)
    mallory, _ = await person_in("Mallory")
    answer = await mallory.get(link)
    assert answer.status_code == 404
    assert "not for you" in told(answer)
    assert "Acme" not in answer.text
    assert (await mallory.post(link, page="/security")).status_code == 404
    assert "Mallory" not in await roles(site, acme)


async def test_an_address_that_the_issuer_has_not_verified_accepts_nothing(acme, browsers, issuer):
    link = await invited(acme)
    for verified in (False, None, "true"):
        issuer.who = {"sub": f"user_{verified}", "email": "kim@example.com", "email_verified": verified}
        browser = browsers()
        await browser.sign_in()
        assert (await browser.get(link)).status_code == 404


@pytest.mark.parametrize("email", ["mi\u212ae@example.com", "mi\u200bke@example.com"])
async def test_an_address_that_only_looks_like_the_one_invited_accepts_nothing(acme, browsers, issuer, email):
    link = await invited(acme, "mike@example.com", "owner")
    issuer.who = {"sub": "user_other", "email": email, "email_verified": True}
    other = browsers()
    await other.sign_in()
    assert (await other.get(link)).status_code == 404


async def test_no_invitation_leads_a_member_back_who_was_taken_out(acme, site):
    link = await invited(acme, "Sol@example.com", "signer")
    await invited(acme)
    await acme.browsers["owner"].post(f"{PAGE}/remove", page=PAGE, id=acme.people["signer"].id)
    assert [item.email for item in await site.invitations.waiting(acme.record.id)] == ["kim@example.com"]
    assert (await acme.browsers["signer"].post(link, page="/security")).status_code == 404
    assert "Sol" not in await roles(site, acme)


@pytest.mark.parametrize(("form", "fields"), [("remove", {}), ("role", {"role": "signer"})])
async def test_what_an_owner_has_invited_ends_with_the_owner(acme, person_in, site, form, fields):
    link = await invited(acme, role="owner")
    await Members(site.hosted, acme.record.id).set_role(acme.people["viewer"].id, "owner")
    gone = acme.people["owner"].id
    await acme.browsers["viewer"].post(f"{PAGE}/{form}", page=PAGE, id=gone, **fields)
    assert await site.invitations.waiting(acme.record.id) == []
    kim, _ = await person_in("Kim")
    assert (await kim.post(link, page="/security")).status_code == 404
    assert "Kim" not in await roles(site, acme)


async def test_only_an_owner_or_whoever_runs_the_desk_has_invited_who_comes_in(acme, person_in, site):
    kim, _ = await person_in("Kim")
    for by, status in ((acme.people["signer"].id, 404), ("per_nobody", 404), (OPERATOR, 303)):
        _, value = await site.invitations.invite(acme.record.id, "kim@example.com", "owner", by)
        assert (await kim.post(f"/invitations/{value}", page="/security")).status_code == status


async def test_a_later_invitation_a_refusal_and_time_end_a_link(acme, person_in, site, monkeypatch):
    kim, _ = await person_in("Kim")
    first = await invited(acme)
    second = await invited(acme, role="viewer")
    assert [(await kim.get(link)).status_code for link in (first, second)] == [404, 200]
    (waiting,) = await site.invitations.waiting(acme.record.id)
    await acme.browsers["owner"].post(f"{PAGE}/take-back", page=PAGE, id=waiting.id)
    assert (await kim.get(second)).status_code == 404
    third = await invited(acme)
    from deskclerk.desk.time_and_ids import now  # noqa: PLC0415

    late = now() + DAYS * 86_400_000 + 1
    monkeypatch.setattr("deskclerk.hosted.people.invitations.now", lambda: late)
    assert (await kim.get(third)).status_code == 404
    assert await site.invitations.waiting(acme.record.id) == []


async def test_a_member_cannot_join_a_second_time_for_another_role(acme, site):
    link = await invited(acme, "vic@example.com", "owner")
    answer = await acme.browsers["viewer"].post(link)
    assert answer.status_code == 422
    assert (await roles(site, acme))["Vic"] == "viewer"


@pytest.mark.parametrize(
    "email", ["", "kim", "kim@", "kim@example", "a b@example.com", "@example.com", "k@x.c"]
)
async def test_what_is_no_address_is_refused_and_what_to_do_is_said(acme, site, email):
    answer = await acme.browsers["owner"].post(f"{PAGE}/invite", page=PAGE, email=email, role="signer")
    assert answer.status_code == 422
    assert "accepted: an e-mail address" in told(answer)


async def test_an_invitation_that_another_workspace_made_cannot_be_taken_back_from_here(
    acme, workspace_of, site
):
    bolt = await workspace_of("bolt", ("Ben", "Sue", "Val"))
    link = await invited(acme)
    (waiting,) = await site.invitations.waiting(acme.record.id)
    answer = await bolt.browsers["owner"].post(
        "/w/bolt/members/take-back", page="/w/bolt/members", id=waiting.id
    )
    assert answer.status_code == 404
    assert await site.invitations.waiting(acme.record.id) == [waiting]
    assert link


async def test_the_link_is_in_the_answer_alone(acme, hosted):
    link = await invited(acme)
    value = link.rpartition("/")[2]
    assert value not in (await acme.browsers["owner"].get(PAGE)).text
    async with hosted.whole.reading() as connection:
        assert value not in str((await connection.execute(text("SELECT * FROM invitations"))).all())


@pytest.mark.parametrize("role", ["signer", "viewer"])
@pytest.mark.parametrize("form", ["invite", "take-back", "role", "remove"])
async def test_only_owners_change_who_belongs_to_it(acme, site, role, form):
    before = await roles(site, acme)
    owner = acme.people["owner"].id
    fields = {"id": owner, "role": "owner", "email": "kim@example.com"}
    answer = await acme.browsers[role].post(f"{PAGE}/{form}", page=PAGE, **fields)
    assert answer.status_code == 403
    assert "Only owners" in told(answer)
    assert await roles(site, acme) == before
    assert await site.invitations.waiting(acme.record.id) == []


async def test_an_owner_changes_roles_and_takes_members_out(acme, site):
    owner = acme.browsers["owner"]
    await owner.post(f"{PAGE}/role", page=PAGE, id=acme.people["viewer"].id, role="signer")
    await owner.post(f"{PAGE}/remove", page=PAGE, id=acme.people["signer"].id)
    assert await roles(site, acme) == {"Olga": "owner", "Vic": "signer"}
    # At once, and without a sign-out: the role is looked up each time.
    assert (await acme.browsers["signer"].get("/w/acme/")).status_code == 404
    assert (await acme.browsers["signer"].get(f"{acme.home}/")).status_code == 404


async def test_a_role_that_is_none_is_refused(acme, site):
    answer = await acme.browsers["owner"].post(
        f"{PAGE}/role", page=PAGE, id=acme.people["viewer"].id, role="admin"
    )
    assert answer.status_code == 422
    assert "owner, signer, viewer" in told(answer)


async def test_everybody_may_leave_but_the_last_owner(acme, site):
    left = await acme.browsers["viewer"].post(f"{PAGE}/remove", page=PAGE, id=acme.people["viewer"].id)
    assert left.headers["location"] == "/"
    owner = acme.people["owner"].id
    for form, fields in (("remove", {}), ("role", {"role": "signer"})):
        answer = await acme.browsers["owner"].post(f"{PAGE}/{form}", page=PAGE, id=owner, **fields)
        assert "last owner" in told(answer)
    assert await roles(site, acme) == {"Olga": "owner", "Sol": "signer"}


async def test_of_two_owners_who_take_each_other_out_at_once_one_stays(acme, site):
    members = Members(site.hosted, acme.record.id)
    await members.set_role(acme.people["signer"].id, "owner")
    both = [members.remove(acme.people[role].id) for role in ("owner", "signer")]
    ends = await asyncio.gather(*both, return_exceptions=True)
    assert [type(end) for end in ends if end] == [InvalidRequest]
    assert list((await roles(site, acme)).values()).count("owner") == 1


async def test_a_member_of_another_workspace_cannot_be_changed_from_here(acme, workspace_of, site):
    bolt = await workspace_of("bolt", ("Ben", "Sue", "Val"))
    for form, fields in (("remove", {}), ("role", {"role": "viewer"})):
        answer = await acme.browsers["owner"].post(
            f"{PAGE}/{form}", page=PAGE, id=bolt.people["signer"].id, **fields
        )
        assert answer.status_code == 404
    assert (await roles(site, bolt))["Sue"] == "signer"


PATHS = ["/", "/members", "/i/prod/", "/i/prod/plans/plan_1", "/i/prod/activity", "/i/none/"]


@pytest.mark.parametrize("path", PATHS)
async def test_a_workspace_of_others_looks_like_one_that_is_nowhere_and_the_try_is_noted(
    acme, workspace_of, path
):
    bolt = await workspace_of("bolt", ("Ben", "Sue", "Val"))
    browser = bolt.browsers["owner"]
    foreign, nowhere = await browser.get(f"/w/acme{path}"), await browser.get(f"/w/nowhere{path}")
    assert foreign.status_code == nowhere.status_code == 404
    assert foreign.text == nowhere.text
    assert await bolt.attempts() == [("Ben Example", f"/w/{slug}{path}") for slug in ("acme", "nowhere")]
    assert await acme.attempts() == []


async def test_of_more_vain_requests_than_a_workspace_may_make_none_is_noted(acme, site, monkeypatch):
    left = 3

    async def count(workspace):
        nonlocal left
        assert workspace == acme.record.id
        left -= 1
        if left < 0:
            raise reached("requests_per_minute", 3, retry_after=20)

    monkeypatch.setattr(site.attempts, "_count", count)
    browser = acme.browsers["viewer"]
    paths = ["/w/nowhere/", "/w/nowhere/i/prod/", "/invitations/x", "/invitations/y", "/w/nowhere/members"]
    answers = [await browser.get(path) for path in paths]
    assert [answer.status_code for answer in answers] == [404, 404, 404, 429, 429]
    assert "Ask again in 20 seconds" in told(answers[-1])
    form = await browser.post("/w/acme/passkey", page="/w/acme/members", plan="plan_1")
    assert form.status_code == 429
    assert len(await acme.attempts()) == 3
    # What is there is served.
    assert (await browser.get("/w/acme/members")).status_code == 200


@pytest.mark.parametrize("path", ["/members/invite", "/members/role", "/passkey", "/i/prod/plans/plan_1"])
async def test_no_form_reaches_a_workspace_of_others(acme, workspace_of, path):
    bolt = await workspace_of("bolt", ("Ben", "Sue", "Val"))
    fields = {"id": acme.people["owner"].id, "role": "viewer", "email": "ben@example.com", "plan": "plan_1"}
    answer = await bolt.browsers["owner"].post(f"/w/acme{path}", page="/security", **fields)
    assert answer.status_code == 404
    assert await bolt.attempts() == [("Ben Example", f"/w/acme{path}")]
