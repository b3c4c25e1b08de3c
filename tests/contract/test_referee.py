import pytest

from tests.contract.openapi import OPERATIONS, SCHEMAS, answer_problems, operation, request_problems

INVITATION = {
    "object": "invitation",
    "id": "inv_1",
    "email_address": "ada@example.com",
    "public_metadata": {"anything": {"at": ["all", 1.5, None]}},
    "status": "pending",
    "created_at": 1700690400000,
    "updated_at": 1700690400000,
}
ADDRESS = {
    "object": "email_address",
    "email_address": "ada@example.com",
    "reserved": False,
    "linked_to": [],
    "created_at": 1700690400000,
    "updated_at": 1700690400000,
}
OTP = {"object": "verification_otp", "status": "verified", "strategy": "email_code", "attempts": 1}


def about(answer):
    return answer_problems("POST", "/invitations", 200, answer)


def test_an_answer_as_the_document_has_it_passes():
    assert about(INVITATION) == []
    assert about(INVITATION | {"expires_at": None, "url": "https://example.com"}) == []


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"colour": "blue"}, "'colour' was unexpected"),
        ({"created_at": 1700690400000.0}, "is not of type 'integer'"),
        ({"created_at": "2025-01-31"}, "is not of type 'integer'"),
        ({"url": None}, "None is not of type 'string'"),
        ({"status": "lost"}, "is not one of"),
        ({"public_metadata": []}, "is not of type 'object'"),
    ],
)
def test_an_answer_with_something_else_in_it_does_not(more, problem):
    (found,) = about(INVITATION | more)
    assert problem in found


def test_an_answer_that_lacks_what_is_always_there_does_not():
    for name in INVITATION:
        (found,) = about({key: value for key, value in INVITATION.items() if key != name})
        assert f"'{name}' is a required property" in found


def test_what_is_required_and_not_described_has_to_be_there_whatever_it_holds():
    schema = {"type": "object", "required": ["a"], "properties": {"b": {"type": "string"}}}
    assert SCHEMAS.problems(schema, {"a": True}) == []
    assert SCHEMAS.problems(schema, {"b": "x"}) == ["$: 'a' is a required property"]
    assert "'c' was unexpected" in SCHEMAS.problems(schema, {"a": 1, "c": 2})[0]


def test_what_is_one_of_several_is_held_against_the_one_that_it_says_it_is():
    def about_verification(value):
        return SCHEMAS.problems({"ref": "EmailAddress"}, ADDRESS | {"verification": value})

    assert about_verification(None) == []
    assert about_verification(OTP | {"expire_at": None}) == []
    assert about_verification(OTP) == ["$.verification: 'expire_at' is a required property"]
    assert about_verification({}) == ["$.verification: 'object' is a required property"]


def test_an_error_has_an_envelope_and_a_code_that_goes_with_its_status():
    error = {"code": "resource_not_found", "message": "not found", "long_message": "None such."}
    assert answer_problems("GET", "/users/u", 404, {"errors": [error]}) == []
    assert answer_problems("GET", "/users/u", 422, {"errors": [error]}) != []
    assert answer_problems("GET", "/users/u", 404, {"errors": [error | {"code": "lost"}]}) != []
    assert answer_problems("GET", "/users/u", 404, {"detail": "Not found"}) != []


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        (("limit", "0"), "less than the minimum"),
        (("limit", "ten"), "no integer"),
        (("banned", "True"), "no boolean"),
        (("colour", "blue"), "unknown"),
        (("order_by", "-colour"), "not listed"),
    ],
)
def test_a_query_that_clerk_would_not_know_is_found(query, problem):
    (found,) = request_problems("GET", "/users", [query])
    assert problem in found


def test_a_body_that_clerk_would_not_know_is_found():
    assert request_problems("POST", "/users", body={"created_at": "2026-01-31T09:30:00.000Z"}) == []
    assert len(request_problems("POST", "/users", body={"created_at": "2026-01-31", "colour": 1})) == 2
    assert request_problems("POST", "/users") == ["body: missing"]
    assert request_problems("POST", "/users/user_1/ban", body={}) == ["body: none is taken here"]
    assert request_problems("DELETE", "/users/user_1/ban") != []


def test_a_path_in_words_goes_before_one_with_a_placeholder():
    assert operation("GET", "/users/count").path == "/users/count"
    assert operation("GET", "/users/user_1").path == "/users/{user_id}"


def test_the_index_has_every_operation_of_the_document():
    assert len(OPERATIONS) == 249
