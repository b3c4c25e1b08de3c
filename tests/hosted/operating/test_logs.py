"""Lines of JSON, one a record, in which no secret and no unexpected message stands."""

import json
import logging

import pytest
from pydantic import SecretStr

from deskclerk.catalogue import REDACTED
from deskclerk.hosted.operating.logs import JsonLines
from deskclerk.settings import Destination, Named, Settings, secrets_in
from tests.hosted.operating.conftest import SECRET

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1c2VyXzEifQ.c2lnbmF0dXJl"
LOOK_SECRET = [
    "sk_test_0123456789abcdef",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "dck_0123456789abcdefghij",
    "ak_0123456789abcdefghij",
    "oat_0123456789abcdefghij",
    JWT,
]


def formatted(text, *secrets):
    record = logging.LogRecord("deskclerk", logging.ERROR, "x.py", 1, "%s", (text,), None)
    return JsonLines(secrets).format(record)


def test_a_record_is_one_line_of_json(lines):
    lines.logger("deskclerk.jobs").warning("job_%d has\ntwo lines", 1)
    (line,) = lines.read()
    assert lines.text.count("\n") == 1
    assert line["message"] == "job_1 has\ntwo lines"
    assert (line["level"], line["logger"]) == ("WARNING", "deskclerk.jobs")
    assert line["time"].endswith("+00:00")


@pytest.mark.parametrize("secret", LOOK_SECRET)
def test_what_looks_secret_is_taken_out(secret):
    assert json.loads(formatted(f"said {secret}, and went on"))["message"] == f"said {REDACTED}, and went on"


@pytest.mark.parametrize(
    ("said", "hidden"),
    [
        ("postgresql://desk:open-sesame@db/desk", "open-sesame"),
        ("rediss://:open-sesame@cache:6379/0", "open-sesame"),
        ("Authorization: Bearer open.sesame-0123", "open.sesame-0123"),
        ("GET /in/opensesame0123", "opensesame0123"),
    ],
)
def test_what_lets_in_is_taken_out_wherever_it_stands(said, hidden):
    assert hidden not in formatted(said)


@pytest.mark.parametrize("form", ["{}", "a={}&b", "['{}']", '{{"key": "{}"}}'])
@pytest.mark.parametrize("secret", ["tr0ub4dor&3/x", 'with "quotes" and ä'])
def test_known_secrets_are_taken_out_that_look_like_none(form, secret):
    for spelt in (secret, json.dumps(secret)[1:-1]):
        assert secret[-6:] not in formatted(form.format(spelt), secret)


def test_an_unexpected_error_is_told_by_its_class_and_place_alone(lines):
    def inner():
        raise ValueError(f"broke on {SECRET} of ada@example.com")

    logger = lines.logger("deskclerk.jobs")
    try:
        try:
            inner()
        except ValueError as error:
            raise RuntimeError("ada@example.com again") from error
    except RuntimeError:
        logger.exception("job_1 failed inside deskclerk")
    (line,) = lines.read()
    assert [cause["type"] for cause in line["error"]] == ["RuntimeError", "ValueError"]
    assert line["error"][1]["frames"][-1].endswith(" inner")
    assert "ada@example.com" not in lines.text
    assert "broke" not in lines.text


def test_an_error_that_hides_where_it_came_from_does_so_here_too(lines):
    logger = lines.logger("deskclerk.jobs")
    try:
        try:
            raise ValueError
        except ValueError:
            raise RuntimeError from None
    except RuntimeError:
        logger.exception("it failed")
    assert [cause["type"] for cause in lines.read()[0]["error"]] == ["RuntimeError"]


def test_what_other_programs_put_into_their_lines_is_not_told(lines):
    logger = lines.logger("mcp.server.streamable_http")
    logger.warning("refused %s", "ada@example.com")
    logger.warning("refused ada@example.com")
    with_arguments, put_together = lines.read()
    assert with_arguments["message"] == "refused %s"
    assert put_together["message"] == ""
    assert put_together["source"].startswith("test_logs.py:")
    assert "ada" not in lines.text


def test_what_the_server_says_of_itself_is_told(lines):
    lines.logger("uvicorn.error").warning("Cancel %s running task(s)", 3)
    assert lines.read()[0]["message"] == "Cancel 3 running task(s)"


def test_a_traceback_that_the_server_has_as_text_is_not_told(lines):
    lines.logger("uvicorn.error").error(
        "Traceback (most recent call last):\n  x\nValueError: ada@example.com\n"
    )
    assert "ada" not in lines.text


def test_a_line_has_an_end():
    assert len(formatted("x" * 100_000)) < 3_000


def test_all_secrets_of_the_settings_are_known():
    settings = Settings(
        secret_key=SecretStr("sk_test_of_the_environment"),
        instances={"prod": Named(secret_key=SecretStr("sk_live_of_the_file"))},
        tokens={"ci": SecretStr("token-of-the-ci")},
        token=SecretStr("token-of-everybody"),
        database=SecretStr("postgresql://desk:p%40ss@db/desk"),
        metrics_token=SecretStr("token-of-prometheus"),
        otlp_endpoint="https://collector.example",
        otlp_headers=SecretStr("x-key=key-of-the-collector"),
        notify=(Destination.model_validate("slack://token-of-slack"),),
    )
    assert set(secrets_in(settings)) == {
        "sk_test_of_the_environment",
        "sk_live_of_the_file",
        "token-of-the-ci",
        "token-of-everybody",
        "postgresql://desk:p%40ss@db/desk",
        "p@ss",
        "token-of-prometheus",
        "x-key=key-of-the-collector",
        "key-of-the-collector",
        "slack://token-of-slack",
    }
