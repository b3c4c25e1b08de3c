"""Applications of a seed file, which says what they are known by."""

import re
from pathlib import Path

import pytest
import yaml

from deskclerk.errors import InvalidRequest
from tests.sandbox.companies import user
from tests.sandbox.oauth.conftest import BACK, SCOPES, Journey
from tests.sandbox.rows import bring

pytestmark = pytest.mark.anyio

PAGE = Path(__file__).parents[3] / "docs" / "sandbox-oauth.md"
GIVEN = {"name": "Portal", "client_id": "portal", "client_secret": "a secret", "redirect_uris": [BACK]}


async def test_a_file_names_what_a_configuration_names(clerk, visitor):
    await bring(clerk, oauth_applications=[{"id": "oa_portal", "scopes": SCOPES} | GIVEN])
    found = await clerk.get("/oauth_applications/oa_portal")
    assert (found["client_id"], found["name"], "client_secret" in found) == ("portal", "Portal", False)
    mine = Journey(visitor, GIVEN, await user(clerk))
    assert (await mine.tokens())["scope"] == SCOPES
    assert await mine.refused(code=await mine.code(), client_secret="another") == (401, "invalid_client")


async def test_the_file_of_the_page_is_one(clerk):
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    await bring(clerk, **yaml.safe_load(block))
    assert [item["client_id"] for item in (await clerk.get("/oauth_applications"))["data"]] == ["portal"]


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([GIVEN, GIVEN | {"name": "Another"}], "client_id is in use"),
        ([GIVEN | {"public": True}], "has no secret"),
        ([GIVEN | {"client_id": "a b"}], "client_id"),
        ([GIVEN | {"client_secret": ""}], "client_secret"),
        ([GIVEN | {"scopes": "everything"}], "scopes"),
        ([{"client_id": "portal"}], "name"),
        ([GIVEN | {"colour": "blue"}], "no such key"),
    ],
)
async def test_what_cannot_stand_is_refused(clerk, entries, said):
    with pytest.raises(InvalidRequest, match=said):
        await bring(clerk, oauth_applications=entries)
    assert (await clerk.get("/oauth_applications"))["total_count"] == 0


async def test_a_public_one_may_name_its_id_alone(clerk):
    await bring(clerk, oauth_applications=[{"name": "Agent", "public": True, "client_id": "agent"}])
    (found,) = (await clerk.get("/oauth_applications"))["data"]
    assert (found["client_id"], found["public"]) == ("agent", True)
