"""Tokens of accounts at OAuth providers, as seeds bring them."""

import pytest

from deskclerk.errors import InvalidRequest
from tests.sandbox.companies import user
from tests.sandbox.rows import HOUR, bring, link

pytestmark = pytest.mark.anyio


def account(owner, number=1, **more):
    return {
        "id": f"eac_{number}",
        "user_id": owner,
        "provider": "oauth_google",
        "provider_user_id": str(number),
        "email_address": "ada@example.com",
        "token": f"token-{number}",
        **more,
    }


async def test_the_tokens_of_one_provider_are_read(clerk, clock):
    key = await user(clerk)
    place = f"/users/{key}/oauth_access_tokens/oauth_google"
    assert await clerk.get(place) == []
    first = account(
        key,
        public_metadata={"team": "red"},
        scopes=["email", "calendar"],
        label="Work",
        id_token="a.b.c",
        expires_at="2030-01-01T00:00:00Z",
    )
    await bring(clerk, external_accounts=[first])
    clock.advance(1)
    other = account(key, 3, provider="oauth_x", token_secret="secret")
    await bring(clerk, external_accounts=[account(key, 2), other])
    whole, plain = await clerk.get(place)
    assert whole == {
        "object": "oauth_access_token",
        "external_account_id": "eac_1",
        "provider_user_id": "1",
        "token": "token-1",
        "expires_at": 1_893_456_000_000,
        "provider": "oauth_google",
        "public_metadata": {"team": "red"},
        "label": "Work",
        "id_token": "a.b.c",
        "scopes": ["email", "calendar"],
    }
    assert (plain["expires_at"], plain["label"], plain["scopes"]) == (None, None, ["email", "profile"])
    page = await clerk.get(place, {"limit": 1, "offset": 1, "paginated": "true"})
    assert page == {"data": [plain], "total_count": 2}
    (older,) = await clerk.get(f"/users/{key}/oauth_access_tokens/oauth_x")
    assert (older["token_secret"], "scopes" in older) == ("secret", False)
    accounts = (await clerk.get(f"/users/{key}"))["external_accounts"]
    assert [item["id"] for item in accounts] == ["eac_1", "eac_2", "eac_3"]


async def test_an_expired_token_cannot_be_had(clerk, clock):
    clock.time = 1_893_456_000_000 - HOUR
    ada, grace = await user(clerk), await user(clerk, "grace")
    at = {"expires_at": "2030-01-01T00:00:00Z"}
    await bring(clerk, external_accounts=[account(ada, 1, **at), account(grace, 2, can_refresh=True, **at)])
    places = [f"/users/{key}/oauth_access_tokens/oauth_google" for key in (ada, grace)]
    for place in places:
        assert len(await clerk.get(place)) == 1
    clock.advance(HOUR)
    assert await clerk.refused("GET", places[0]) == (422, "oauth_missing_refresh_token", None)
    assert await clerk.refused("GET", places[1]) == (400, "oauth_token_retrieval_error", None)


async def test_an_account_without_a_token_has_none_to_give(clerk):
    key = await user(clerk)
    await link(clerk, key, "oauth_google", "1", "ada@example.com")
    place = f"/users/{key}/oauth_access_tokens/oauth_google"
    assert await clerk.refused("GET", place) == (422, "oauth_missing_access_token", None)


async def test_a_provider_is_a_known_one_or_a_custom_one_that_has_accounts(clerk):
    key = await user(clerk)
    place = f"/users/{key}/oauth_access_tokens"
    for name in ("google", "oauth_nobody"):
        assert await clerk.refused("GET", f"{place}/{name}") == (400, "oauth_unsupported_provider", None)
    custom = f"{place}/oauth_custom_acme"
    assert await clerk.refused("GET", custom) == (404, "oauth_token_provider_not_enabled", None)
    other = account(await user(clerk, "grace"), provider="oauth_custom_acme")
    await bring(clerk, external_accounts=[other])
    assert await clerk.get(custom) == []
    absent = (404, "resource_not_found", None)
    assert await clerk.refused("GET", "/users/user_none/oauth_access_tokens/oauth_google") == absent


async def test_tokens_go_with_their_account(clerk):
    key = await user(clerk)
    await bring(clerk, external_accounts=[account(key)])
    await clerk.delete(f"/users/{key}/external_accounts/eac_1")
    assert await clerk.get(f"/users/{key}/oauth_access_tokens/oauth_google") == []
    await bring(clerk, external_accounts=[account(key, token="another")])
    (found,) = await clerk.get(f"/users/{key}/oauth_access_tokens/oauth_google")
    assert found["token"] == "another"


async def test_what_is_wrong_with_an_account_in_a_seed_is_refused(clerk):
    key = await user(clerk)
    tokenless = {name: value for name, value in account(key).items() if name != "token"}
    for entries in (
        [account(key), account(key)],
        [account(key, provider="google")],
        [account("user_none")],
        [account(key, email_address="nobody")],
        [tokenless | {"label": "Work"}],
        [account(key, expires_at="soon")],
    ):
        with pytest.raises(InvalidRequest, match=r"external_accounts\["):
            await bring(clerk, external_accounts=entries)
    await bring(clerk, external_accounts=[tokenless])
    assert (await clerk.get(f"/users/{key}"))["external_accounts"][0]["provider_user_id"] == "1"
