"""What the sandbox refuses with: Clerk's codes and statuses, and a ledger of what is ours."""

import ast
from pathlib import Path

import pytest

import deskclerk.sandbox
from deskclerk.sandbox.http.errors import STATUS
from deskclerk.sandbox.http.routes import HANDLERS
from tests.contract import openapi

ROOT = Path(deskclerk.sandbox.__file__).parent

OURS = {
    "operation_not_served": "501: Clerk serves every operation, and has no word for what is left out.",
    "too_many_requests": "429: Clerk answers it, and its list of codes leaves it out.",
}
"""Codes that are not in Clerk's list, and why there are such."""
BESIDE = {("resource_not_found", 405): "A method that a path does not have; the list has no code for it."}
"""Pairs that are not in Clerk's list although their code is, and why."""
FAMILIES = (
    "identification_",
    "invitation_already_",
    "waitlist_entry_already_",
    "expired_session_token_missing_",
)
ENDINGS = ("_cannot_be_revoked_code",)

"""Codes that the source puts together: their beginnings, and their endings."""


def emitted():
    """Every code, or beginning of one, that stands as such in the sandbox's source."""
    for path in ROOT.rglob("*.py"):
        if "controls" in path.parts:
            continue  # the sandbox's own interface, beside Clerk's API
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("refusal", "Problem"):
                yield from codes(node.args[0])


def codes(node):
    """The text of an argument: a constant, or the beginning of one that is put together."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
            yield text


@pytest.mark.promise("sandbox-is-clerk-to-sdks")
def test_every_refusal_of_the_sandbox_has_a_code_and_a_status_of_clerks():
    known = {code for code, _ in openapi.ERRORS}
    undecided = {code for code, status in openapi.ERRORS if status is None}
    assert set(STATUS) - known == set(OURS) & set(STATUS)
    assert {
        pair for pair in STATUS.items() if pair not in openapi.ERRORS and pair[0] not in undecided | set(OURS)
    } == set()


def test_every_code_in_the_source_is_listed_and_every_listed_one_is_in_the_source():
    found = set(emitted())
    assert found - set(STATUS) - set(FAMILIES) == set()
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py") if path.name != "refusals.py"
    )
    unused = {code for code in STATUS if code not in found and f'"{code}"' not in text}
    assert {code for code in unused if not (code.startswith(FAMILIES) or code.endswith(ENDINGS))} == set()


def test_the_ledger_of_what_is_not_in_clerks_list_is_exact():
    assert set(OURS) & {code for code, _ in openapi.ERRORS} == set()
    assert set(BESIDE) & openapi.ERRORS == set()
    assert set(OURS) - set(STATUS) == {"operation_not_served"}


def test_every_route_of_the_sandbox_is_an_operation_of_clerks():
    assert {(str(route.method), openapi.shape(route.path)) for route in HANDLERS} <= openapi.BY_SHAPE.keys()
