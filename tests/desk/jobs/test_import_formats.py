"""Exports of other providers and files of our own; people and passwords in `samples/` are made up."""

import json
from pathlib import Path

import pytest

from deskclerk.catalogue import BanUser, CreateInvitation, CreateUser, UpdateUser
from deskclerk.desk.jobs import import_providers
from deskclerk.desk.jobs.import_formats import FORMATS, Row, guess_format, read_rows, read_users
from deskclerk.errors import InvalidRequest
from deskclerk.sandbox.users.password_digests import HASHERS, is_digest, verifies

SAMPLES = Path(__file__).parent / "samples"
PASSWORD = "lighthouse keeper"
BCRYPT = "$2b$04$abcdefghijklmnopqrstuu9jLPZibEeYUFkvYkrfnVT7frtxWKwIK"
HASHED = {"password_digest": BCRYPT, "password_hasher": "bcrypt"}
NO_PASSWORD = {"skip_password_requirement": True}
PROJECT = {
    "signer_key": "YSBtYWRlLXVwIHNpZ25lciBrZXkgb2YgMzIgYnl0ZXM=",
    "salt_separator": "Bw==",
    "rounds": 8,
    "memory_cost": 10,
}
FIREBASE_DIGEST = (
    "svhfEem/7NCK8seIJwugH4LlAQM/mV0bJb11FB5UYcw=$c2VhIHNhbHQ="
    "$YSBtYWRlLXVwIHNpZ25lciBrZXkgb2YgMzIgYnl0ZXM=$Bw==$8$10"
)
EMPTY = "not imported: it has no e-mail address, phone number or username"
SOL = {
    "external_id": "fb01",
    "first_name": "Sol",
    "last_name": "Breaker",
    "email_address": ["sol@example.com"],
    "phone_number": ["+14155550103"],
    "private_metadata": {"tier": "crew"},
    "banned": True,
    "created_at": "2023-03-28T10:40:00.000Z",
}
UNA = {
    "external_id": "fb02",
    "email_address": ["una@example.org"],
    "email_address_identification_status": ["reserved"],
    "created_at": "2023-03-28T10:40:00.001Z",
    **NO_PASSWORD,
}


@pytest.fixture
def write(tmp_path):
    def made(content, name="users.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return made


def users(name, source, **more):
    return list(read_users(SAMPLES / name, source, **more))


def refusal(call, *arguments, **more):
    with pytest.raises(InvalidRequest) as caught:
        list(call(*arguments, **more))
    return caught.value


def test_an_export_of_clerks_dashboard_keeps_who_is_verified_and_every_password():
    assert users("clerk.csv", "clerk") == [
        Row(
            2,
            {
                "external_id": "user_lamp01",
                "first_name": "Nell",
                "last_name": "Harbour",
                "username": "nell_h",
                "email_address": ["nell@example.com", "nell.work@example.org", "nell.old@example.com"],
                "email_address_identification_status": ["verified", "verified", "reserved"],
                "phone_number": ["+14155550101"],
                "totp_secret": "JBSWY3DPEHPK3PXP",
                **HASHED,
            },
        ),
        Row(
            3,
            {
                "external_id": "user_lamp02",
                "first_name": "Tove, the second",
                "email_address": ["tove@example.org"],
                "email_address_identification_status": ["reserved"],
                **NO_PASSWORD,
            },
        ),
    ]


def test_auth0s_export_its_hashes_and_its_import_schema_become_users():
    bulk, hashes, listed, schema = users("auth0.ndjson", "auth0")
    assert bulk == Row(
        1,
        {
            "external_id": "auth0|64aa01",
            "first_name": "Idris",
            "last_name": "Quay",
            "username": "idris_q",
            "email_address": ["idris@example.com"],
            "phone_number": ["+14155550102"],
            "phone_number_identification_status": ["reserved"],
            "private_metadata": {"plan": "gold"},
            "unsafe_metadata": {"theme": "dark"},
            "banned": True,
            "created_at": "2023-04-05T06:07:08.900Z",
            **NO_PASSWORD,
        },
        notes=("left out: identities, nickname",),
    )
    reserved = {"email_address_identification_status": ["reserved"]}
    assert hashes == Row(
        2, {"external_id": "auth0|64aa02", "email_address": ["mira@example.org"], **reserved, **HASHED}
    )
    assert listed == Row(3, {"external_id": "auth0|keeper", "email_address": ["oda@example.org"], **HASHED})
    digest = schema.arguments.pop("password_digest")
    assert verifies("pbkdf2_sha256", digest, PASSWORD)
    assert schema == Row(
        4,
        {
            "external_id": "64aa04",
            "first_name": "Pavo",
            "last_name": "van der Pier",
            "email_address": ["pavo@example.com"],
            "password_hasher": "pbkdf2_sha256",
        },
    )


def test_a_json_array_of_auth0s_is_read_too_and_its_line_is_the_place_in_it(write):
    path = write(json.dumps([{"email": "a@example.com"}, {"email": "b@example.com"}], indent=2))
    assert [(row.line, row.arguments["email_address"]) for row in read_users(path, "auth0")] == [
        (1, ["a@example.com"]),
        (2, ["b@example.com"]),
    ]


@pytest.mark.parametrize(
    ("custom", "hasher"),
    [
        ({"algorithm": "bcrypt", "hash": {"value": BCRYPT}}, "bcrypt"),
        ({"algorithm": "md5", "hash": {"value": "0" * 32, "encoding": "hex"}}, "md5"),
        ({"algorithm": "sha256", "hash": {"value": "A" * 43 + "=", "encoding": "base64"}}, "sha256"),
        ({"algorithm": "ldap", "hash": {"value": "{SSHA}" + "A" * 32}}, "ldap_ssha"),
        (
            {"algorithm": "pbkdf2", "hash": {"value": "$pbkdf2-sha512$i=9,l=4$c2FsdA$aGFzaA"}},
            "pbkdf2_sha512_hex",
        ),
        ({"algorithm": "md5", "hash": {"value": "0" * 32}, "salt": {"value": "x"}}, None),
        ({"algorithm": "md5", "hash": {"value": "0" * 32}, "password": {"encoding": "utf16le"}}, None),
        ({"algorithm": "sha1", "hash": {"value": "0" * 40}}, None),
        ({"algorithm": "pbkdf2", "hash": {"value": "$pbkdf2-sha1$i=9,l=4$c2FsdA$aGFzaA"}}, None),
    ],
)
def test_a_custom_password_hash_comes_along_where_clerk_has_a_form_for_it(write, custom, hasher):
    path = write(json.dumps({"email": "a@example.com", "custom_password_hash": custom}), "users.ndjson")
    (row,) = read_users(path, "auth0")
    assert row.arguments.get("password_hasher") == hasher
    if hasher:
        assert is_digest(hasher, row.arguments["password_digest"])
    else:
        assert row.arguments["skip_password_requirement"] is True
        assert "imported without password" in row.notes[0]


@pytest.mark.parametrize("name", ["firebase.json", "firebase.csv"])
def test_firebases_users_bring_their_passwords_when_the_projects_parameters_are_given(name):
    first, second, *rest = users(name, "firebase", firebase_hash=PROJECT)
    assert first.arguments == {
        **SOL,
        "password_digest": FIREBASE_DIGEST,
        "password_hasher": "scrypt_firebase",
    }
    assert first.notes == ("left out: photoUrl, providerUserInfo",)
    assert verifies("scrypt_firebase", first.arguments["password_digest"], PASSWORD)
    assert second == Row(2, UNA)
    assert rest == ([Row(3, {}, notes=(EMPTY,))] if name.endswith("json") else [])


@pytest.mark.parametrize("name", ["firebase.json", "firebase.csv"])
def test_without_the_parameters_firebases_users_come_without_password_and_a_note_says_so(name):
    first = users(name, "firebase")[0]
    assert first.arguments == {**SOL, **NO_PASSWORD}
    assert "firebase_hash" in first.notes[0]


def test_firebase_parameters_that_are_wrong_are_named_and_not_shown(write):
    wrong = {"signer_key": "not base 64!", "rounds": 99, "memory_cost": 14, "salt": "x"}
    error = refusal(read_users, SAMPLES / "firebase.json", "firebase", firebase_hash=wrong)
    assert [name for name, _ in error.problems] == ["signer_key", "salt_separator", "rounds", "salt"]
    assert "not base 64!" not in str(error)


def test_supabases_rows_become_users_and_those_deleted_or_anonymous_do_not():
    lena, gone, nobody, back = users("supabase.csv", "supabase")
    assert lena == Row(
        2,
        {
            "external_id": "5b0a",
            "first_name": "Lena",
            "last_name": "Reef",
            "email_address": ["lena@example.com"],
            "phone_number": ["+14155550104"],
            "phone_number_identification_status": ["reserved"],
            "private_metadata": {"provider": "email"},
            "unsafe_metadata": {"full_name": "Lena Reef"},
            "banned": True,
            "created_at": "2024-01-02T03:04:05.600Z",
            **HASHED,
        },
        notes=("the ban had an end; in Clerk it has none",),
    )
    assert gone == Row(3, {}, notes=("not imported: it was deleted in Supabase",))
    assert nobody == Row(4, {}, notes=(EMPTY,))
    assert "banned" not in back.arguments


def test_cognitos_users_become_users_by_what_their_tokens_call_them():
    rune, ines = users("cognito.json", "cognito")
    assert rune == Row(
        1,
        {
            "external_id": "9f0c1d2e-0000-4000-8000-000000000001",
            "username": "rune_k",
            "first_name": "Rune",
            "last_name": "Kelp",
            "locale": "en-US",
            "email_address": ["rune@example.com"],
            "phone_number": ["+14155550105"],
            "phone_number_identification_status": ["reserved"],
            "private_metadata": {"dock": "7"},
            "banned": True,
            "created_at": "2022-03-04T03:06:07.891Z",
            **NO_PASSWORD,
        },
        notes=("left out: birthdate",),
    )
    assert ines == Row(
        2,
        {
            "external_id": "9f0c1d2e-0000-4000-8000-000000000002",
            "email_address": ["ines@example.org"],
            "email_address_identification_status": ["reserved"],
            "created_at": "2022-03-04T03:06:07.891Z",
            **NO_PASSWORD,
        },
    )


def test_a_line_below_cognitos_import_header_becomes_a_user():
    (rune,) = users("cognito.csv", "cognito")
    assert rune.arguments == {
        "external_id": "rune_k",
        "username": "rune_k",
        "first_name": "Rune",
        "last_name": "Kelp",
        "email_address": ["rune@example.com"],
        "private_metadata": {"dock": "7"},
        **NO_PASSWORD,
    }


def test_one_page_of_several_is_not_taken_for_all_users(write):
    path = write(json.dumps({"Users": [], "PaginationToken": "more"}), "users.json")
    assert "one page of several" in str(refusal(read_users, path, "cognito"))


def test_better_auths_users_keep_the_passwords_of_their_accounts():
    ymir, odd = users("better-auth.json", "better-auth")
    digest = ymir.arguments.pop("password_digest")
    assert verifies("scrypt_werkzeug", digest, PASSWORD)
    assert not verifies("scrypt_werkzeug", digest, "another")
    assert ymir == Row(
        1,
        {
            "external_id": "ba01",
            "username": "ymir_t",
            "first_name": "Ymir",
            "last_name": "Tidewell",
            "email_address": ["ymir@example.com"],
            "phone_number": ["+14155550106"],
            "private_metadata": {"role": "admin"},
            "created_at": "2025-01-02T03:04:05.000Z",
            "password_hasher": "scrypt_werkzeug",
        },
        notes=("left out: display_username, image",),
    )
    assert odd.arguments == {
        "external_id": "ba02",
        "first_name": "Odd",
        "email_address": ["odd@example.org"],
        "email_address_identification_status": ["reserved"],
        "created_at": "2025-01-02T03:04:05.000Z",
        "banned": True,
        **NO_PASSWORD,
    }


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("users.csv", "id,email,email_verified,image,created_at\n7,a@example.com,1,,1735787045\n"),
        (
            "users.ndjson",
            '{"id": 7, "email": "a@example.com", "emailVerified": 1, "createdAt": 1735787045000}\n',
        ),
    ],
)
def test_better_auths_table_is_read_as_each_database_writes_it(write, name, content):
    (row,) = read_users(write(content, name), "better-auth")
    made = {"external_id": "7", "email_address": ["a@example.com"], "created_at": "2025-01-02T03:04:05.000Z"}
    assert row.arguments == made | NO_PASSWORD
    assert guess_format(write(content, name)) == "better-auth"


def test_our_own_csv_is_read_with_its_columns_renamed_and_skipped():
    mapping = {"Email": "email_address", "Notes": ""}
    assert users("generic.csv", "csv", mapping=mapping) == [
        Row(
            2,
            {
                "email_address": ["wren@example.com", "wren.b@example.org"],
                "phone_number": ["+14155550107"],
                "first_name": "Wren",
                "created_at": "2026-01-31",
                "public_metadata": {"team": 4},
                "banned": False,
                **NO_PASSWORD,
            },
        ),
        Row(4, {"phone_number": ["+14155550108"], "first_name": "Bo", **NO_PASSWORD}),
    ]


def test_our_own_json_lines_are_read_and_a_digest_names_its_hasher():
    assert users("generic.ndjson", "ndjson") == [
        Row(
            1,
            {
                "email_address": ["wren@example.com"],
                "public_metadata": {"team": 4},
                "created_at": 1767225600000,
                **NO_PASSWORD,
            },
        ),
        Row(3, {"username": "bo_fog", **HASHED}),
    ]


SOURCES = sorted(path.name for path in SAMPLES.iterdir())


@pytest.mark.parametrize("name", SOURCES)
def test_what_is_read_of_every_sample_is_what_the_action_accepts_and_its_format_is_guessed(name):
    source = {"generic.csv": "csv", "generic.ndjson": "ndjson"}.get(name, Path(name).stem)
    assert guess_format(SAMPLES / name) == source
    mapping = {"Email": "email_address", "Notes": ""} if source == "csv" else None
    rows = users(name, source, mapping=mapping)
    assert [row.problems for row in rows] == [()] * len(rows)
    for row in rows:
        if row.arguments:
            CreateUser.parse(row.arguments)


def test_every_format_has_a_sample_and_every_hasher_of_the_sandbox_is_known():
    assert {Path(name).stem for name in SOURCES} == {*FORMATS} - {"csv", "ndjson"} | {"generic"}
    assert import_providers.HASHERS.keys() == HASHERS.keys()


def test_a_byte_order_mark_semicolons_and_tabs_make_no_difference(write):
    for mark in (b"", b"\xef\xbb\xbf"):
        for delimiter in (b",", b";", b"\t"):
            content = mark + b"username,first_name\nada_l,Ada\n".replace(b",", delimiter)
            path = write(content)
            assert guess_format(path) == "csv"
            (row,) = read_users(path, "csv")
            assert row == Row(2, {"username": "ada_l", "first_name": "Ada", **NO_PASSWORD})


def test_a_record_has_the_number_of_its_first_line_also_after_line_ends_in_quotes(write):
    path = write('\r\nusername,first_name\r\nada_l,"Ada\r\nthe\r\nfirst"\r\n\r\nbo_fog,Bo\r\ncy_fog,Cy\r\n')
    rows = list(read_users(path, "csv"))
    assert [row.line for row in rows] == [3, 7, 8]
    assert rows[0].arguments["first_name"] == "Ada\r\nthe\r\nfirst"


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("email_address", "ada@example", "not an e-mail address"),
        ("email_address", "ada@@example.com", "not an e-mail address"),
        ("email_address", "a da@example.com", "not an e-mail address"),
        ("email_address", "ada@example.com|nobody", "not an e-mail address"),
        ("phone_number", "415 555 0100", "country code"),
        ("phone_number", "+141555", "country code"),
        ("phone_number", "+1234567890123456", "country code"),
        ("public_metadata", "[1]", "JSON object"),
        ("public_metadata", "{not json", "JSON object"),
        ("banned", "perhaps", "accepted: true, false"),
        ("create_organizations_limit", "many", "integer"),
        ("created_at", "yesterday", "not a time"),
        ("created_at", "1735787045", "not a time"),
        ("email_address_identification_status", "verified|maybe", "one of verified, reserved"),
        ("backup_codes", "[1", "not a JSON list"),
    ],
)
def test_a_value_that_is_wrong_is_told_with_its_line_and_the_others_are_read(write, column, cell, said):
    path = write(f'username;{column}\nada_l;"{cell}"\nbo_fog;\n')
    wrong, right = read_users(path, "csv")
    assert wrong.line == 2
    assert [name for name, _ in wrong.problems] == [column]
    assert said in wrong.problems[0][1]
    assert right == Row(3, {"username": "bo_fog", **NO_PASSWORD})


@pytest.mark.parametrize(
    ("digest", "hasher", "parameter"),
    [
        ("hunter2-hash", "bcrypt", "password_digest"),
        ("hunter2-hash", "rot13", "password_hasher"),
        ("hunter2-hash", "", "password_hasher"),
        (BCRYPT, "hunter2-hash", "password_hasher"),
    ],
)
@pytest.mark.parametrize("source", ["csv", "clerk"])
def test_a_digest_that_clerk_would_refuse_is_told_without_showing_it(
    write, source, digest, hasher, parameter
):
    name = {"csv": "email_address", "clerk": "primary_email_address"}[source]
    (row,) = read_users(
        write(f"{name},password_digest,password_hasher\na@example.com,{digest},{hasher}\n"), source
    )
    assert [name for name, _ in row.problems] == [parameter]
    assert "hunter2" not in str(row.problems)
    assert BCRYPT not in str(row.problems)


def test_every_problem_of_a_record_is_told_at_once(write):
    path = write("email_address,phone_number,banned\nnobody,0,perhaps\n")
    (row,) = read_users(path, "csv")
    assert [name for name, _ in row.problems] == ["email_address", "phone_number", "banned"]


def test_a_reference_to_a_stored_secret_is_left_alone(write):
    path = write("username,password_digest,password_hasher\nada_l,secret:old,bcrypt\n")
    (row,) = read_users(path, "csv")
    assert row.problems == ()


def test_lines_that_are_no_records_are_told_and_the_next_one_is_read(write):
    lines = [b'{"username": ', b"7", b'{"username": "\\ud800"}', b'{"unsafe_metadata": {"n": 1e999}}']
    lines += [b"{}", b'{"user_nam": "x", "$2b$04$hunter2": 1}', b'{"username": "ada_l"}']
    rows = list(read_users(write(b"\n".join(lines), "users.ndjson"), "ndjson"))
    assert [row.line for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    said = [" ".join(text for _, text in row.problems) for row in rows]
    assert said[0] == said[1] == "not a JSON object on one line"
    assert "half a character" in said[2]
    assert "no end" in said[3]
    assert rows[4] == Row(5, {}, notes=("not imported: it is empty",))
    assert "did you mean username" in said[5]
    assert "hunter2" not in str(rows[5].problems)
    assert rows[6] == Row(7, {"username": "ada_l", **NO_PASSWORD})


def test_a_table_with_a_record_too_long_too_short_or_badly_quoted_is_read_on(write):
    path = write('username,first_name\nada_l,Ada,x\nbo_fog\ncy_fog,"C"y\ndi_fog,Di,\n')
    rows = list(read_users(path, "csv"))
    assert [(row.line, bool(row.problems)) for row in rows] == [(2, True), (3, True), (4, True), (5, False)]
    (cut,) = read_users(write('username,first_name\nada_l,"Ada\n'), "csv")
    assert (cut.line, cut.problems[0][0]) == (2, "")


def test_providers_records_are_told_what_is_wrong_with_them_too(write):
    records = [
        {"email": "nobody", "phone_number": "12", "blocked": "perhaps", "created_at": "then"},
        {"email": "a@example.com", "app_metadata": "{"},
        "text",
        {"email": "b@example.com", "name": {"first": "B"}},
    ]
    rows = list(read_users(write(json.dumps(records), "users.json"), "auth0"))
    names = [[name for name, _ in row.problems] for row in rows]
    assert names == [
        ["email_address", "phone_number", "banned", "created_at"],
        ["private_metadata"],
        [""],
        [],
    ]
    assert rows[3].arguments == {"email_address": ["b@example.com"], **NO_PASSWORD} | {
        "email_address_identification_status": ["reserved"]
    }


def test_an_unknown_column_is_named_with_the_nearest_parameter_and_how_to_map_or_skip_it(write):
    error = refusal(read_users, write("Email,emial_address,zzz\n1,2,3\n"), "csv")
    assert [name for name, _ in error.problems] == ["Email", "emial_address", "zzz"]
    assert "did you mean email_address? Map Email to email_address, or to an empty text" in str(error)
    assert "map zzz to" in str(error)


def test_a_missing_header_is_not_repeated_as_it_may_hold_passwords(write):
    error = refusal(read_users, write("ada@example.com,hunter2\n"), "csv")
    assert "header missing" in str(error)
    assert "hunter2" not in str(error.as_dict())


def test_a_mapping_that_leads_nowhere_or_twice_to_one_parameter_is_refused(write):
    path = write("Email,username\na@example.com,ada_l\n")
    assert "no such parameter" in str(refusal(read_users, path, "csv", mapping={"Email": "mail_to"}))
    assert "no column is called Mail" in str(
        refusal(read_users, path, "csv", mapping={"Email": "email_address", "Mail": "email_address"})
    )
    assert "more than one column" in str(refusal(read_users, path, "csv", mapping={"Email": "username"}))


def test_options_of_another_format_are_refused(write):
    path = SAMPLES / "clerk.csv"
    assert "mapping: goes with csv and ndjson only" in str(
        refusal(read_users, path, "clerk", mapping={"a": ""})
    )
    assert "goes with firebase only" in str(refusal(read_users, path, "clerk", firebase_hash=PROJECT))
    assert "accepted: clerk, auth0" in str(refusal(read_users, path, "okta"))


@pytest.mark.parametrize(
    ("content", "source", "said"),
    [
        ("username\nada".encode("utf-16"), "csv", "is UTF-16"),
        (b"username,first_name\nada_l,Ad\xe9\n", "csv", "not UTF-8"),
        (b"", "csv", "is empty"),
        (b"", "clerk", "is empty"),
        (b'{"username": "x"}', "csv", "the format is ndjson"),
        (b"username\nx\n", "ndjson", "the format is csv"),
        (b"email\nx\n", "auth0", "is no JSON"),
        (b'{"id": 1}', "clerk", "is JSON"),
        (b'{\n"users": [,]}', "firebase", "is not JSON (line 2"),
        (b'{\n"people": []}', "firebase", "is not a list or an object with users"),
        (b"[" * 100_000, "auth0", "not JSON that can be read"),
    ],
)
def test_a_file_that_is_not_what_it_is_said_to_be_is_refused_in_words(write, content, source, said):
    assert said in str(refusal(read_users, write(content), source))


def test_a_json_document_beyond_the_bound_is_refused_before_it_is_read(write, monkeypatch):
    monkeypatch.setattr("deskclerk.desk.jobs.import_formats._LARGEST_DOCUMENT", 10)
    error = refusal(read_users, SAMPLES / "cognito.json", "cognito")
    assert "is a JSON document of more than" in str(error)


def test_a_line_beyond_the_bound_is_told_and_the_next_one_is_read(write, monkeypatch):
    monkeypatch.setattr("deskclerk.desk.jobs.import_formats._LONGEST_LINE", 40)
    path = write('{"username": "%s"}\n{"username": "ada_l"}' % ("x" * 100), "users.ndjson")
    long, short = read_users(path, "ndjson")
    assert "longer than 40 characters" in long.problems[0][1]
    assert (short.line, short.arguments["username"]) == (2, "ada_l")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    for call in (guess_format, lambda path: read_users(path, "csv"), lambda path: read_users(path, "auth0")):
        assert "cannot be read" in str(refusal(call, tmp_path / "none.csv"))


def test_a_format_that_cannot_be_told_is_asked_for(write):
    for content in ("a,b\n1,2\n", '{"a": 1}', ""):
        assert ", ".join(FORMATS) in str(refusal(guess_format, write(content)))


def test_rows_of_any_action_are_read_by_its_own_parameters(write):
    path = write('user_id,first_name,public_metadata\nuser_1,Ada,\n,Bo,\nuser_3,,"{""a"": 1}"\n')
    first, second, third = read_rows(path, UpdateUser.parameters())
    assert first == Row(2, {"user_id": "user_1", "first_name": "Ada"})
    assert second.problems == (("user_id", "required; accepted: string"),)
    assert third == Row(4, {"user_id": "user_3", "public_metadata": {"a": 1}})


def test_a_null_in_json_lines_empties_what_an_action_can_empty(write):
    path = write('{"user_id": "user_1", "first_name": null}\n', "rows.ndjson")
    (row,) = read_rows(path, UpdateUser.parameters())
    assert row == Row(1, {"user_id": "user_1", "first_name": None})


@pytest.mark.parametrize("name", ["ids.txt", "ids.csv"])
def test_a_plain_list_is_read_for_an_action_with_one_required_parameter(write, name):
    rows = list(read_rows(write("user_1\n\n ada@example.com \nuser_3,x\n", name), BanUser.parameters()))
    assert [(row.line, row.arguments) for row in rows] == [
        (1, {"user_id": "user_1"}),
        (3, {"user_id": "ada@example.com"}),
        (4, {}),
    ]
    assert rows[2].problems == (("", "has 2 columns instead of 1"),)
    (row,) = read_rows(write("Ada@Example.com\n", name), CreateInvitation.parameters())
    assert row == Row(1, {"email_address": "ada@example.com"})


def test_a_heading_is_no_member_of_a_plain_list(write):
    (row,) = read_rows(write("user_id\nuser_1\n"), BanUser.parameters())
    assert row == Row(2, {"user_id": "user_1"})
    error = refusal(read_rows, write("User ID\nuser_1\n"), BanUser.parameters())
    assert [name for name, _ in error.problems] == ["User ID"]
    (row,) = read_rows(write("User ID\nuser_1\n"), BanUser.parameters(), {"User ID": "user_id"})
    assert row == Row(2, {"user_id": "user_1"})
