"""People of a hosted desk in a real browser: in through the issuer, invited, and a passkey that signs."""

import re

import pytest
from playwright.async_api import expect
from pydantic import SecretStr

from deskclerk.hosted.people.members import Members
from tests.browser.conftest import WIDTHS, check_accessible, shoot
from tests.hosted.people.conftest import BAN, DELETE

pytestmark = pytest.mark.anyio
ID = r"\(per_\w+\)"


async def test_somebody_signs_in_joins_by_invitation_signs_and_signs_out(served, browse):
    olga, sol = await browse(), await browse()
    await served.sign_in(olga, "Olga")
    acme = await served.workspace("acme", olga)
    await olga.goto(f"{served.origin}/w/acme/members")
    await olga.get_by_label("E-mail address").fill("sol@example.com")
    await olga.get_by_role("button", name="Make an invitation").click()
    link = await olga.get_by_label("Invitation", exact=True).input_value()
    await served.sign_in(sol, "Sol", link.removeprefix(served.origin))
    await sol.get_by_role("button", name="Join").click()
    await expect(sol.get_by_role("heading", name="Instances")).to_be_visible()
    plan = await acme.plan(BAN)
    await sol.get_by_role("link", name="prod").click()
    await sol.get_by_label(re.compile("^To sign, type")).fill("Ada")
    await sol.get_by_role("button", name="Sign: ban user").click()
    await expect(sol.get_by_text(re.compile(rf"Signed by: console, Sol Example {ID}\."))).to_be_visible()
    assert await acme.status(plan) == "signed"
    await sol.get_by_role("button", name="Sign out").click()
    await expect(sol.get_by_role("link", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("served", ["https"], indirect=True)
async def test_by_https_a_browser_keeps_the_cookies_and_signs_in(served, browse):
    olga = await browse(ignore_https_errors=True)
    await served.sign_in(olga, "Olga", "/security")
    await olga.goto(f"{served.origin}/security")
    await expect(olga.get_by_role("heading", name="Security")).to_be_visible()
    kept = {cookie["name"]: cookie for cookie in await olga.context.cookies()}
    assert kept.keys() == {"__Host-deskclerk", "__Host-deskclerk-way"}
    for cookie in kept.values():
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Lax")
        assert (cookie["domain"], cookie["path"]) == ("localhost", "/")
    # Nothing of it is there for scripts.
    assert await olga.evaluate("document.cookie") == ""
    await olga.get_by_role("button", name=re.compile("^Sign out Olga")).click()
    await expect(olga.get_by_role("heading", name="You are signed out")).to_be_visible()
    assert "__Host-deskclerk" not in {cookie["name"] for cookie in await olga.context.cookies()}


_ASKED = """() => {
  window.asked = [];
  for (const what of ["get", "create"]) {
    const ask = navigator.credentials[what].bind(navigator.credentials);
    navigator.credentials[what] = (options) => { window.asked.push(what); return ask(options); };
  }
}"""
"""Notes in a page what its browser's passkeys are asked for."""


async def add_passkey(served, page):
    """The first one, right after a sign-in."""
    await page.goto(f"{served.origin}/security")
    await expect(page.get_by_role("button", name="Add a passkey")).to_have_count(0)
    await page.get_by_role("link", name="Sign in again").click()
    await page.get_by_label("Name").fill("Laptop")
    await page.get_by_role("button", name="Add a passkey").click()
    await expect(page.get_by_text("The passkey is yours now.")).to_be_visible()


async def test_a_passkey_that_is_there_says_yes_to_another_and_to_its_removal(
    served, browse, virtual_passkeys
):
    olga = await browse()
    await served.sign_in(olga, "Olga")
    await virtual_passkeys(olga)
    await add_passkey(served, olga)
    await check_accessible(olga)
    await olga.evaluate(_ASKED)
    await olga.get_by_role("button", name="Add a passkey").click()
    # The one key says yes, and makes no second passkey for the same person.
    await expect(olga.get_by_text("That did not work.")).to_be_visible()
    assert await olga.evaluate("window.asked") == ["get", "create"]
    await olga.get_by_role("button", name="Remove Laptop").click()
    await expect(olga.get_by_text("Removed.")).to_be_visible()
    await expect(olga.get_by_role("button", name="Remove Laptop")).to_have_count(0)
    await expect(olga.get_by_role("button", name="Add a passkey")).to_be_visible()


async def test_a_passkey_is_added_and_signs_what_cannot_be_taken_back(served, browse, virtual_passkeys):
    olga = await browse()
    await served.sign_in(olga, "Olga")
    acme = await served.workspace("acme", olga)
    await acme.policy(destructive_passkey=True)
    await virtual_passkeys(olga)
    await add_passkey(served, olga)
    plan = await acme.plan(DELETE)
    await olga.goto(f"{served.origin}{acme.home}/plans/{plan.id}")
    await olga.get_by_label(re.compile("^To sign, type")).fill("Ada")
    await olga.get_by_role("button", name=re.compile("^Sign: ")).click()
    await expect(olga.get_by_text(re.compile(f"console, Olga Example {ID}, with passkey"))).to_be_visible()
    assert await acme.status(plan) == "signed"


async def test_a_passkey_that_is_not_used_or_not_there_signs_nothing_and_says_so(
    served, browse, virtual_passkeys
):
    olga = await browse()
    await served.sign_in(olga, "Olga")
    acme = await served.workspace("acme", olga)
    await acme.policy(destructive_passkey=True)
    plan = await acme.plan(DELETE)
    await olga.goto(f"{served.origin}{acme.home}/plans/{plan.id}")
    await olga.get_by_label(re.compile("^To sign, type")).fill("Ada")
    sign = olga.get_by_role("button", name=re.compile("^Sign: "))
    await sign.click()
    await expect(olga.get_by_text("You have no passkey yet")).to_be_visible()
    session, key = await virtual_passkeys(olga)
    await add_passkey(served, olga)
    await session.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": False})
    await olga.goto(f"{served.origin}{acme.home}/plans/{plan.id}")
    await olga.get_by_label(re.compile("^To sign, type")).fill("Ada")
    await sign.click()
    await expect(olga.get_by_text("The passkey was not used. Nothing was done.")).to_be_visible()
    await expect(sign).to_be_enabled()
    assert await acme.status(plan) == "waiting"
    # A no needs none.
    await olga.get_by_role("button", name="Decline").click()
    await expect(olga.get_by_text("Declined, for good.")).to_be_visible()


@pytest.fixture
async def two_signers(served, browse):
    """Two people who sign in a workspace that wants both of them for what cannot be taken back."""
    olga, sol = await browse(), await browse()
    await served.sign_in(olga, "Olga")
    acme = await served.workspace("acme", olga)
    await served.sign_in(sol, "Sol")
    person = await served.person(sol)
    await served.site.workspaces.add_member(acme.record.id, person.id, "signer")
    await acme.policy(destructive_signatures=2)
    return acme, olga, sol


@pytest.mark.parametrize("where", ["plan", "list"])
async def test_an_open_page_shows_the_other_persons_signature_and_keeps_what_is_being_typed(
    served, browse, two_signers, where
):
    acme, olga, sol = two_signers
    plan = await acme.plan(DELETE)
    page = f"{served.origin}{acme.home}/plans/{plan.id}"
    await olga.goto(page)
    await sol.goto(page if where == "plan" else f"{served.origin}{acme.home}/")
    typed = sol.get_by_label(re.compile("^To sign, type"))
    await typed.fill("A")
    # A second tab of the first signer's own.
    other = await browse(olga.context)
    await other.goto(page if where == "plan" else f"{served.origin}{acme.home}/")
    await expect(other.get_by_role("button", name=re.compile("^Sign: "))).to_be_visible()
    await olga.get_by_label(re.compile("^To sign, type")).fill("Ada")
    await olga.get_by_role("button", name=re.compile("^Sign: ")).click()
    await expect(sol.get_by_text(re.compile(rf"^Signed by console, Olga Example {ID}\.$"))).to_be_visible()
    await expect(sol.get_by_text("Another person has to sign it too.", exact=True)).to_be_visible()
    await expect(sol.locator("[data-say]")).to_have_text(
        re.compile(rf"^Signed by console, Olga Example {ID}\. Another person has to sign it too\.$")
    )
    await expect(typed).to_have_value("A")
    await expect(other.get_by_text("You have signed it; somebody else has to sign it too.")).to_be_visible()
    await expect(other.get_by_role("button", name=re.compile("^Sign: "))).to_have_count(0)
    # And goes on from there: the page that stood open signs.
    await typed.fill("Ada")
    await sol.get_by_role("button", name=re.compile("^Sign: ")).click()
    await expect(sol.get_by_text(re.compile(f"Olga Example {ID}; console, Sol Example {ID}"))).to_be_visible()
    assert await acme.status(plan) == "signed"


async def test_what_a_viewer_sees_has_no_buttons_and_is_accessible(served, browse, two_signers):
    acme, _, sol = two_signers
    person = await served.person(sol)
    await Members(served.site.hosted, acme.record.id).set_role(person.id, "viewer")
    plan = await acme.plan(DELETE)
    pages = {
        "waiting": f"{acme.home}/",
        "plan": f"{acme.home}/plans/{plan.id}",
        "actions": f"{acme.home}/actions",
        "action": f"{acme.home}/actions/clerk_user_ban",
        "secrets": f"{acme.home}/secrets",
        "policy": "/w/acme/policy",
    }
    for name, path in pages.items():
        await sol.goto(served.origin + path)
        await check_accessible(sol)
        await shoot(sol, f"hosted-viewer-{name}")
        buttons = await sol.locator("main").get_by_role("button").all_inner_texts()
        assert [text.strip() for text in buttons] == (["Search"] if name == "actions" else []), name


async def test_who_signs_out_is_offered_the_issuers_way_out(served, browse, issuer):
    # Back at once, as an issuer that asks nothing: the page's own rules let the link lead there.
    issuer.published = {"end_session_endpoint": f"{issuer.url}/leave"}
    olga = await browse()
    await served.sign_in(olga, "Olga")
    await olga.goto(f"{served.origin}/security")
    await olga.get_by_role("button", name=re.compile("^Sign out Olga")).click()
    await check_accessible(olga)
    await shoot(olga, "hosted-signed-out")
    await olga.get_by_role("link", name="Sign out at 127.0.0.1 too").click()
    await expect(olga.get_by_text("has signed you out too")).to_be_visible()


async def test_every_page_of_people_is_accessible_in_light_and_dark_and_on_a_phone(served, browse):
    olga = await browse()
    await olga.goto(served.origin)
    await check_accessible(olga)
    await served.sign_in(olga, "Olga")
    acme = await served.workspace("acme", olga)
    await acme.policy(destructive_signatures=2, destructive_passkey=True)
    await served.site.invitations.invite(acme.record.id, "kim@example.com", "signer", acme.people["owner"].id)
    address, secret = SecretStr("https://hooks.example.com/x"), SecretStr(f"whsec_{'c' * 32}")
    await served.site.destinations.add(
        acme.record.id, "ops", "webhook", address=address, secret=secret, by="per_x"
    )
    plan = await acme.plan(DELETE)
    pages = {
        "mine": "/",
        "security": "/security",
        "instances": "/w/acme/",
        "members": "/w/acme/members",
        "agents": "/w/acme/agents",
        "notifications": "/w/acme/notifications",
        "policy": "/w/acme/policy",
        "plan": f"{acme.home}/plans/{plan.id}",
        "not-here": "/w/nowhere/",
        "failed": "/sign-in/callback?state=x",
    }
    for name, path in pages.items():
        await olga.goto(served.origin + path)
        await check_accessible(olga)
        await shoot(olga, f"hosted-{name}")


_IN_SIGHT = """(selector) => {
  const found = document.querySelector(selector), box = found.getBoundingClientRect();
  return box.left >= 0 && box.right <= innerWidth && found.scrollWidth <= found.clientWidth;
}"""
"""Whether all of something is seen on a page, and not cut at its end or beyond the edge."""


async def test_on_a_phone_one_sees_which_page_and_which_instance_it_is(served, browse):
    olga = await browse()
    await olga.set_viewport_size(WIDTHS["phone"])
    await served.sign_in(olga, "Olga")
    acme = await served.workspace("acme", olga)
    for page in ("notifications", "policy"):
        await olga.goto(f"{served.origin}/w/acme/{page}")
        assert await olga.evaluate(_IN_SIGHT, "nav [aria-current=page]"), page
    await olga.goto(f"{served.origin}{acme.home}/permissions")
    for what in ("nav [aria-current=page]", ".top .instance"):
        assert await olga.evaluate(_IN_SIGHT, what), what
    await expect(olga.locator(".top .instance")).to_have_text(re.compile(r"LIVE.*prod"))
    await expect(olga.get_by_role("link", name="Policy")).to_have_attribute("href", "/w/acme/policy")
