import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from deskclerk.catalogue import TOOLSETS
from deskclerk.errors import InvalidSettings
from deskclerk.settings import SANDBOX_KEY, Settings, VaultAddress, vault_keys

LIVE = "sk_live_abc"
TEST = "sk_test_abc"


def load(tmp_path, toml="", overrides=None, **environ):
    home = tmp_path / "settings"
    home.mkdir(exist_ok=True)
    (home / "settings.toml").write_text(toml)
    return Settings.load(overrides, {"DESKCLERK_HOME": str(home)} | environ)


def refusal(tmp_path, toml="", overrides=None, **environ):
    with pytest.raises(InvalidSettings) as caught:
        load(tmp_path, toml, overrides, **environ)
    return str(caught.value)


@pytest.mark.promise("without-a-key-the-sandbox")
def test_without_a_key_the_sandbox_is_the_instance(tmp_path):
    settings = load(tmp_path)
    assert (settings.kind, settings.origin) == ("sandbox", None)
    assert settings.key.get_secret_value() == SANDBOX_KEY


@pytest.mark.parametrize(("key", "kind"), [(LIVE, "live"), (TEST, "test")])
def test_a_key_says_its_kind_and_goes_to_clerk(tmp_path, key, kind):
    settings = load(tmp_path, CLERK_SECRET_KEY=key)
    assert (settings.kind, settings.origin) == (kind, "https://api.clerk.com")


@pytest.mark.promise("settings-order")
def test_flags_beat_the_environment_which_beats_the_file(tmp_path):
    toml = 'access = "destructive"\nconfirm = "destructive"\n'
    settings = load(tmp_path, toml, {"access": "read"}, DESKCLERK_ACCESS="write", DESKCLERK_CONFIRM="write")
    assert (settings.access, settings.confirm) == ("read", "write")
    assert load(tmp_path, toml).confirm == "destructive"


@pytest.mark.promise("unknown-settings")
@pytest.mark.parametrize("name", ["DESKCLERK_ACESS", "DESKCLERK_SECRET_KEY", "DESKCLERK_"])
def test_an_unknown_variable_of_ours_is_an_error(tmp_path, name):
    text = refusal(tmp_path, **{name: "read"})
    assert name in text
    assert "DESKCLERK_ACCESS" in text


@pytest.mark.promise("unknown-settings")
@pytest.mark.parametrize("toml", ['acess = "read"', '[instances.a]\nsecret_key = "sk_test_a"\nurl = "x"'])
def test_an_unknown_key_of_the_file_is_an_error(tmp_path, toml):
    assert "is not a setting" in refusal(tmp_path, toml)


def test_a_wrong_value_is_an_error_that_names_the_setting_and_what_is_accepted(tmp_path):
    text = refusal(tmp_path, DESKCLERK_ACCESS="none")
    assert "DESKCLERK_ACCESS" in text
    assert "'read'" in text


def test_a_broken_file_is_an_error(tmp_path):
    assert "is not TOML" in refusal(tmp_path, "access =")


@pytest.mark.promise("api-url")
@pytest.mark.parametrize(
    "url",
    [
        "https://api.clerk.com/v1",
        "api.clerk.com",
        "ftp://api.clerk.com",
        "http://api.clerk.com",
        "https://a@b.c",
        "https://a?x=1",
        "https://[a",
        "https://a:99999",
    ],
)
def test_an_api_url_is_an_origin_and_encrypted(tmp_path, url):
    assert "CLERK_API_URL" in refusal(tmp_path, CLERK_SECRET_KEY=TEST, CLERK_API_URL=url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8767", "http://localhost:1/", "https://clerk.example"])
def test_an_origin_is_accepted(tmp_path, url):
    assert load(tmp_path, CLERK_SECRET_KEY=TEST, CLERK_API_URL=url).origin == url.rstrip("/")


def test_an_api_url_without_a_key_is_an_error(tmp_path):
    assert "CLERK_SECRET_KEY" in refusal(tmp_path, CLERK_API_URL="https://clerk.example")


@pytest.mark.parametrize("key", ["pk_test_abc", "abc", "sk_abc"])
def test_what_is_no_secret_key_is_refused_without_repeating_it(tmp_path, key):
    text = refusal(tmp_path, CLERK_SECRET_KEY=key)
    assert "Clerk Dashboard, API Keys" in text
    assert key not in text


@pytest.mark.promise("unconfirmed-live")
def test_no_confirmation_on_a_live_key_needs_a_second_setting(tmp_path):
    assert "never" in refusal(tmp_path, CLERK_SECRET_KEY=LIVE, DESKCLERK_CONFIRM="never")
    allowed = load(
        tmp_path, CLERK_SECRET_KEY=LIVE, DESKCLERK_CONFIRM="never", DESKCLERK_ALLOW_UNCONFIRMED_LIVE="true"
    )
    assert allowed.confirm == "never"


@pytest.mark.promise("several-instances")
def test_instances_are_named_in_the_file_and_chosen(tmp_path):
    prod = f'[instances.prod]\nsecret_key = "{LIVE}"\n'
    toml = f'instance = "prod"\n{prod}[instances.dev]\nsecret_key = "{TEST}"\n'
    assert load(tmp_path, toml).kind == "live"
    assert load(tmp_path, toml, DESKCLERK_INSTANCE="dev").kind == "test"
    assert "not in the settings file" in refusal(tmp_path, toml, DESKCLERK_INSTANCE="other")


def test_the_key_is_not_in_repr(tmp_path):
    toml = f'[instances.prod]\nsecret_key = "{LIVE}"\n'
    assert LIVE not in repr(load(tmp_path, toml, CLERK_SECRET_KEY=LIVE))


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0",
        "redis://:marked@cache.internal",
        "rediss://user:marked@cache.internal:6380/1?ssl_ca_certs=/etc/ca.pem",
        "unix:///run/redis/redis.sock?db=1",
    ],
)
def test_an_address_of_a_redis_server_is_accepted_and_not_shown(tmp_path, url):
    settings = load(tmp_path, DESKCLERK_REDIS=url)
    assert settings.redis.get_secret_value() == url
    assert "marked" not in repr(settings)
    assert settings.environment()["DESKCLERK_REDIS"] == url


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("127.0.0.1:6379", "accepted: redis://HOST"),
        ("http://:marked@cache.internal", "accepted: redis://HOST"),
        ("redis://:marked@", "accepted: redis://HOST"),
        ("redis://:marked@cache.internal:99999", "accepted: redis://HOST"),
        ("redis://:marked@cache.internal/desk", "the number of a database"),
        ("redis://:marked@cache.internal/0#1", "accepted: redis://HOST"),
        ("redis://:marked@cache.internal/0?ssl_ca_certs=/a", "accepted with redis: none"),
        ("rediss://:marked@cache.internal/0?ssl_cert_reqs=none", "'ssl_cert_reqs' is not known"),
        ("unix://", "accepted: redis://HOST"),
    ],
)
def test_what_is_no_address_of_a_redis_server_is_refused_without_repeating_it(tmp_path, url, says):
    text = refusal(tmp_path, DESKCLERK_REDIS=url)
    assert "DESKCLERK_REDIS" in text
    assert says in text
    assert "marked" not in text


def test_every_toolset_of_the_catalogue_can_be_set_and_no_other():
    assert Settings(toolsets=tuple(TOOLSETS)).toolsets == tuple(TOOLSETS)
    with pytest.raises(ValidationError, match=f"accepted: {', '.join(TOOLSETS)}"):
        Settings(toolsets=("users",))


HOOK_SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk"


def test_destinations_stand_in_the_environment_one_after_another_and_commas_stay_in_addresses(tmp_path):
    text = f"dbus:// slack://T1/B2/C3, mailto://u:p@x.example?to=a@x.example,b@x.example https://h.example/x#{HOOK_SECRET}"
    found = load(tmp_path, DESKCLERK_NOTIFY=text).notify
    assert [item.kind for item in found] == ["dbus", "slack", "mailto", "webhook"]
    assert found[2].url.get_secret_value().endswith("to=a@x.example,b@x.example")
    assert found[3].url.get_secret_value() == "https://h.example/x"
    assert found[3].secret.get_secret_value() == HOOK_SECRET


def test_destinations_stand_in_the_file_as_tables(tmp_path):
    toml = f'[[notify]]\nname = "ops"\nurl = "https://h.example/x"\nsecret = "{HOOK_SECRET}"\n'
    (found,) = load(tmp_path, toml).notify
    assert (found.name, found.kind) == ("ops", "webhook")
    assert HOOK_SECRET not in repr(found)
    assert "h.example" not in repr(found)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('url = "https://h.example/hidden"', "wants a secret"),
        ('url = "https://h.example/hidden#whsec_c2hvcnQ="', "at least 24 bytes"),
        ('url = "https://h.example/hidden"\nsecret = "hidden"', "whsec_"),
        (f'url = "http://h.example/hidden"\nsecret = "{HOOK_SECRET}"', "https"),
        (f'url = "https://a:hidden@h.example"\nsecret = "{HOOK_SECRET}"', "no address"),
        (f'url = "https://h.example:hidden/"\nsecret = "{HOOK_SECRET}"', "no address"),
        (f'url = "https://h.example#hidden"\nsecret = "{HOOK_SECRET}"', "twice"),
        (f'url = "slack://hidden/b/c"\nsecret = "{HOOK_SECRET}"', "for webhooks"),
        ('url = "hidden"', "no address"),
        ('url = "slack://hidden"\ntoken = "x"', "notify.1.token"),
        ('url = "slack://hidden"\nname = "a/b"', "notify.1.name"),
        ('name = "ops"', "notify.1.url"),
    ],
)
def test_a_destination_that_is_none_is_an_error_that_does_not_say_its_address(tmp_path, lines, says):
    text = refusal(tmp_path, f"[[notify]]\n{lines}\n")
    assert says in text
    assert "DESKCLERK_NOTIFY" in text or "is not a setting" in text
    assert "hidden" not in text
    assert HOOK_SECRET not in text


def test_two_destinations_of_one_name_are_an_error(tmp_path):
    table = '[[notify]]\nname = "ops"\nurl = "slack://a/b/c"\n'
    assert "same name" in refusal(tmp_path, table * 2)


KEY_A, KEY_B = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=", "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI="


@pytest.mark.promise("vault-key")
def test_vault_keys_are_given_one_or_several_and_stay_hidden(tmp_path):
    settings = load(tmp_path, DESKCLERK_VAULT_KEY=f"{KEY_A}, {KEY_B}")
    assert vault_keys(settings.vault_key.get_secret_value()) == (b"A" * 32, b"B" * 32)
    assert KEY_A not in repr(settings)


@pytest.mark.promise("vault-key")
@pytest.mark.parametrize("text", ["short", KEY_A[:-4], f"{KEY_A},{KEY_B}x", f"{KEY_A};{KEY_B}"])
def test_what_is_no_vault_key_is_refused_without_repeating_it(tmp_path, text):
    said = refusal(tmp_path, DESKCLERK_VAULT_KEY=text)
    assert "DESKCLERK_VAULT_KEY" in said
    assert "openssl rand -base64 32" in said
    assert text not in said
    assert KEY_A not in said


@pytest.mark.promise("vault-elsewhere")
@pytest.mark.parametrize(
    ("address", "found"),
    [
        (
            "transit:https://vault.example:8200?key=deskclerk",
            VaultAddress("transit", "deskclerk", "https://vault.example:8200"),
        ),
        (
            "transit:http://127.0.0.1:8200/team/keys/?key=k&namespace=a/b",
            VaultAddress("transit", "k", "http://127.0.0.1:8200", "team/keys", "a/b"),
        ),
        ("kms:alias/desk", VaultAddress("kms", "alias/desk")),
        (
            "kms:arn:aws:kms:eu-central-1:1:key/k?region=eu-central-1&endpoint=https://kms.example",
            VaultAddress(
                "kms",
                "arn:aws:kms:eu-central-1:1:key/k",
                region="eu-central-1",
                endpoint="https://kms.example",
            ),
        ),
    ],
)
def test_a_vault_elsewhere_is_an_address(tmp_path, address, found):
    assert load(tmp_path, DESKCLERK_VAULT=address).vault == found


@pytest.mark.promise("vault-elsewhere")
@pytest.mark.parametrize(
    "address",
    [
        "https://vault.example",
        "transit:",
        "transit:https://vault.example",
        "transit:https://vault.example?key=",
        "transit:https://vault.example?key=k&token=t",
        "transit:http://vault.example?key=k",
        "transit:https://user:pw@vault.example?key=k",
        "kms:",
        "kms:k?zone=a",
        "kms:k?region",
        "kms:k?endpoint=http://kms.example",
        "file:/etc/key",
    ],
)
def test_what_is_no_vault_is_refused_with_what_is_accepted(tmp_path, address):
    said = refusal(tmp_path, DESKCLERK_VAULT=address)
    assert "DESKCLERK_VAULT" in said
    assert "accepted" in said
    assert "pw" not in said


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("LOG_FORMAT", "xml", "'text' or 'json'"),
        ("GRACE_SECONDS", "-1", "greater than or equal to 0"),
        ("TRACE_SHARE", "1.5", "less than or equal to 1"),
        ("METRICS_TOKEN", "short", "16 characters"),
        ("OTLP_ENDPOINT", "collector:4318", "http://collector:4318"),
        ("OTLP_ENDPOINT", "http://collector:4318/v1/traces", "without /v1/traces"),
        ("OTLP_ENDPOINT", "http://user:secret@collector:4318", "http://collector:4318"),
        ("OTLP_ENDPOINT", "http://collector:4318?key=secret", "without a query"),
        ("OTLP_HEADERS", "no-value-here", "name=value"),
        ("OTLP_HEADERS", "a name=secret", "name=value"),
    ],
)
def test_how_a_server_is_watched_is_checked_when_it_is_set(tmp_path, name, value, accepted):
    text = refusal(tmp_path, **{f"DESKCLERK_{name}": value})
    assert f"DESKCLERK_{name}" in text
    assert accepted in text
    assert "secret" not in text


def test_headers_for_a_collector_want_one_that_they_reach_unread(tmp_path):
    headers = {"DESKCLERK_OTLP_HEADERS": "x-key=secret"}
    assert "DESKCLERK_OTLP_ENDPOINT is not" in refusal(tmp_path, **headers)
    plain = {"DESKCLERK_OTLP_ENDPOINT": "http://collector:4318"}
    assert "unencrypted" in refusal(tmp_path, **headers, **plain)
    for address in ("https://collector:4318", "http://127.0.0.1:4318/"):
        found = load(tmp_path, **headers, DESKCLERK_OTLP_ENDPOINT=address)
        assert found.otlp_endpoint == address.rstrip("/")
    assert load(tmp_path, **plain).otlp_headers is None


def test_every_setting_has_its_row_on_the_page_of_settings():
    page = (Path(__file__).parents[1] / "docs" / "settings.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (?:`(\w+)` )?\|", page, re.MULTILINE)
    # Tables of the file, which stand below the list.
    tables = {"instances", "callers", "tokens"}
    assert {variable.removeprefix("CLERK_").removeprefix("DESKCLERK_").lower() for variable, _ in rows} == (
        Settings.model_fields.keys() - tables
    )
    # Where the file is cannot stand in it.
    assert all(
        variable.endswith(f"CLERK_{name.upper()}") for variable, name in rows if variable != "DESKCLERK_HOME"
    )
    assert all(f"`[{table}" in page for table in tables)
