"""How version 2 tokens pack permissions, read back by Clerk's own Python SDK."""

from clerk_backend_api.security.authenticaterequest import _compute_org_permissions
from hypothesis import given, settings
from hypothesis import strategies as st

from deskclerk.sandbox.sessions.sessions import pack

WORDS = st.from_regex(r"[a-z][a-z_]{0,7}", fullmatch=True)
PERMISSIONS = st.sets(st.tuples(WORDS, WORDS).map(lambda pair: f"org:{pair[0]}:{pair[1]}"), max_size=80)


def test_permissions_are_packed_as_clerk_documents_it():
    packed = pack(["org:dashboard:read", "org:dashboard:manage", "org:teams:read"])
    assert packed == ("o:dashboard,o:teams", "manage,read", "3,2")
    assert pack([]) == ("", "", "")


@settings(max_examples=50, deadline=None)
@given(PERMISSIONS)
def test_clerks_sdk_unpacks_what_was_packed(permissions):
    packed = pack(permissions)
    claims = {"fea": packed.features, "o": {"per": packed.actions, "fpm": packed.map}}
    assert set(_compute_org_permissions(claims)) == permissions
