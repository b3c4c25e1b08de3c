"""People of a hosted desk in a real browser: in through the issuer, invited, and a passkey that signs."""

import re

import pytest
from playwright.async_api import expect
from pydantic import SecretStr

from tests.browser.conftest import check_accessible, shoot
from tests.hosted.people.conftest import BAN, DELETE

pytestmark = pytest.mark.anyio


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
    await expect(sol.get_by_text("Signed by: console, Sol Example.")).to_be_visible()
    assert await acme.status(plan) == "signed"
    await sol.get_by_role("button", name="Sign out").click()
    await expect(sol.get_by_role("link", name="Sign in")).to_be_visible()


async def test_a_passkey_is_added_and_signs_what_cannot_be_taken_back(served, browse, virtual_passkeys):
    olga = await browse()
    await served.sign_in(olga, "Olga")
    acme = await served.workspace("acme", olga)
    await acme.policy(destructive_passkey=True)
    await virtual_passkeys(olga)
    await olga.goto(f"{served.origin}/security")
    await olga.get_by_label("Name").fill("Laptop")
    await olga.get_by_role("button", name="Add a passkey").click()
    await expect(olga.get_by_text("The passkey is yours now.")).to_be_visible()
    plan = await acme.plan(DELETE)
    await olga.goto(f"{served.origin}{acme.home}/plans/{plan.id}")
    await olga.get_by_label(re.compile("^To sign, type")).fill("Ada")
    await olga.get_by_role("button", name=re.compile("^Sign: ")).click()
    await expect(olga.get_by_text("console, Olga Example, with passkey")).to_be_visible()
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
    await olga.goto(f"{served.origin}/security")
    await olga.get_by_role("button", name="Add a passkey").click()
    await expect(olga.get_by_text("The passkey is yours now.")).to_be_visible()
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


async def test_every_page_of_people_is_accessible_in_light_and_dark_and_on_a_phone(served, browse):
    olga = await browse()
    await olga.goto(served.origin)
    await check_accessible(olga)
    await served.sign_in(olga, "Olga")
    acme = await served.workspace("acme", olga)
    await acme.policy(destructive_signatures=2, destructive_passkey=True)
    await served.site.invitations.invite(acme.record.id, "kim@example.com", "signer", "per_x")
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
