import base64
import logging
import secrets

import pytest

from deskclerk.errors import InvalidSettings, StorageUnavailable
from deskclerk.hosted.vault.key_ring import open_wrapper
from deskclerk.hosted.vault.key_wrapping import LocalKeys, key_id
from deskclerk.settings import Settings
from tests.hosted.vault.vaults import TOKEN, Kms, TransitEngine, served

pytestmark = pytest.mark.anyio

KEY, OLDER, DATA_KEY = (secrets.token_bytes(32) for _ in range(3))
WHOSE = "ws_1 1"


def text_of(*keys):
    return ",".join(base64.b64encode(key).decode() for key in keys)


@pytest.fixture
def transit():
    engine = TransitEngine()
    with served(engine) as origin:
        engine.origin = origin
        yield engine


@pytest.fixture
def kms(monkeypatch, tmp_path):
    for name, value in (
        ("ACCESS_KEY_ID", "made-up"),
        ("SECRET_ACCESS_KEY", "made-up"),
        ("EC2_METADATA_DISABLED", "true"),
    ):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    service = Kms()
    with served(service) as origin:
        service.origin = origin
        yield service


def of_transit(engine, token=TOKEN, key="deskclerk", **more):
    address = f"transit:{engine.origin}?key={key}"
    return open_wrapper(Settings(vault=address, vault_token=token, **more))


def of_kms(service, key="key-1", **more):
    return open_wrapper(Settings(vault=f"kms:{key}?region=eu-central-1&endpoint={service.origin}", **more))


@pytest.fixture(params=["local", "transit", "kms"])
def wrapper(request):
    if request.param == "local":
        return open_wrapper(Settings(vault_key=text_of(KEY)))
    service = request.getfixturevalue(request.param)
    return of_transit(service) if request.param == "transit" else of_kms(service)


@pytest.mark.promise("vault-elsewhere")
async def test_a_wrapped_key_unwraps_and_shows_nothing_of_it(wrapper):
    wrapped = await wrapper.wrap(DATA_KEY, WHOSE)
    assert wrapped.startswith(f"{wrapper.name}:")
    assert await wrapper.unwrap(wrapped, WHOSE) == DATA_KEY
    assert base64.b64encode(DATA_KEY).decode() not in wrapped
    assert DATA_KEY.hex() not in wrapped
    assert await wrapper.wrap(DATA_KEY, WHOSE) != wrapped


async def test_a_key_that_was_moved_to_another_workspace_or_changed_does_not_unwrap(wrapper):
    wrapped = await wrapper.wrap(DATA_KEY, WHOSE)
    begin, _, text = wrapped.rpartition(":")
    blob = bytearray(base64.b64decode(text))
    blob[20] ^= 1
    changed = f"{begin}:{base64.b64encode(blob).decode()}"
    for given, bound in ((wrapped, "ws_2 1"), (wrapped, "ws_1 2"), (changed, WHOSE)):
        with pytest.raises(StorageUnavailable) as caught:
            await wrapper.unwrap(given, bound)
        assert "another workspace's" in str(caught.value)
        assert caught.value.next_step


async def test_not_even_a_log_of_everything_has_a_key_or_the_token_in_it(wrapper, caplog):
    caplog.set_level(logging.DEBUG)
    await wrapper.unwrap(await wrapper.wrap(DATA_KEY, WHOSE), WHOSE)
    for secret in (text_of(DATA_KEY), DATA_KEY.hex(), text_of(KEY), TOKEN):
        assert secret not in caplog.text


@pytest.mark.promise("vault-key")
async def test_the_first_key_wraps_and_the_others_still_unwrap():
    before = await LocalKeys([OLDER]).wrap(DATA_KEY, WHOSE)
    both = open_wrapper(Settings(vault_key=text_of(KEY, OLDER)))
    assert await both.unwrap(before, WHOSE) == DATA_KEY
    after = await both.wrap(DATA_KEY, WHOSE)
    assert await LocalKeys([KEY]).unwrap(after, WHOSE) == DATA_KEY
    with pytest.raises(StorageUnavailable, match=key_id(KEY)) as caught:
        await LocalKeys([OLDER]).unwrap(after, WHOSE)
    assert "Add that key behind the first" in caught.value.next_step


@pytest.mark.promise("vault-key")
async def test_keys_stand_in_a_file_too_behind_those_of_the_environment(tmp_path):
    path = tmp_path / "keys"
    path.write_text(f"{text_of(KEY)}\n{text_of(OLDER)}\n")
    wrapped = await LocalKeys([OLDER]).wrap(DATA_KEY, WHOSE)
    of_file = open_wrapper(Settings(vault_key_file=path))
    assert await of_file.unwrap(wrapped, WHOSE) == DATA_KEY
    assert key_id(KEY) in await of_file.wrap(DATA_KEY, WHOSE)
    mixed = open_wrapper(Settings(vault_key=text_of(OLDER), vault_key_file=path))
    assert key_id(OLDER) in await mixed.wrap(DATA_KEY, WHOSE)


@pytest.mark.parametrize(
    "content", [None, "", "short", f"{text_of(KEY)}\nshort"], ids=["none", "empty", "short", "one of two"]
)
def test_a_file_that_holds_no_keys_is_a_wrong_setting_and_is_not_repeated(tmp_path, content):
    path = tmp_path / "keys"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidSettings) as caught:
        open_wrapper(Settings(vault_key_file=path))
    assert str(path) in str(caught.value)
    assert "openssl rand -base64 32" in caught.value.next_step
    assert text_of(KEY) not in str(caught.value)


def test_without_any_vault_key_a_hosted_desk_says_how_to_make_one():
    with pytest.raises(InvalidSettings, match="openssl rand -base64 32"):
        open_wrapper(Settings())


async def test_keys_move_from_this_process_to_a_vault_and_what_they_wrapped_still_opens(transit):
    before = await LocalKeys([KEY]).wrap(DATA_KEY, WHOSE)
    both = of_transit(transit, vault_key=text_of(KEY))
    assert await both.unwrap(before, WHOSE) == DATA_KEY
    assert (await both.wrap(DATA_KEY, WHOSE)).startswith("transit:vault:v1:")
    with pytest.raises(StorageUnavailable, match="DESKCLERK_VAULT_KEY"):
        await of_transit(transit).unwrap(before, WHOSE)


async def test_a_transit_key_has_versions_and_the_older_ones_still_unwrap(transit):
    wrapper = of_transit(transit)
    before = await wrapper.wrap(DATA_KEY, WHOSE)
    transit.keys["deskclerk"].append(secrets.token_bytes(32))
    after = await wrapper.wrap(DATA_KEY, WHOSE)
    assert (before[:17], after[:17]) == ("transit:vault:v1:", "transit:vault:v2:")
    assert [await wrapper.unwrap(item, WHOSE) for item in (before, after)] == [DATA_KEY, DATA_KEY]


async def test_a_mount_and_a_namespace_of_its_own_are_asked(transit):
    transit.mount = "team/keys"
    address = f"transit:{transit.origin}/team/keys/?key=deskclerk&namespace=ns1"
    await open_wrapper(Settings(vault=address, vault_token=TOKEN)).wrap(DATA_KEY, WHOSE)
    assert [(path, space) for path, space, _ in transit.asked] == [("/v1/team/keys/encrypt/deskclerk", "ns1")]


async def test_what_a_transit_engine_refuses_is_told_with_what_to_do_and_without_the_token(transit):
    said = []
    elsewhere = open_wrapper(Settings(vault=f"transit:{transit.origin}/no?key=deskclerk", vault_token=TOKEN))
    for wrapper in (of_transit(transit, token="hvs.wrong"), of_transit(transit, key="other"), elsewhere):
        with pytest.raises(StorageUnavailable) as caught:
            await wrapper.wrap(DATA_KEY, WHOSE)
        said.append(str(caught.value))
    transit.sealed = True
    with pytest.raises(StorageUnavailable) as caught:
        await of_transit(transit).wrap(DATA_KEY, WHOSE)
    said.append(str(caught.value))
    assert "a policy with update on transit/encrypt/deskclerk" in said[0]
    assert "does not encrypt with a key other" in said[1]
    assert "no engine at no/" in said[2]
    assert "unsealed" in said[3]
    assert not [text for text in said if "hvs." in text]


async def test_a_vault_that_is_not_there_is_told(transit):
    with served(TransitEngine()) as origin:
        pass
    wrapper = open_wrapper(Settings(vault=f"transit:{origin}?key=deskclerk", vault_token=TOKEN))
    with pytest.raises(StorageUnavailable, match="can be reached"):
        await wrapper.wrap(DATA_KEY, WHOSE)


@pytest.mark.promise("vault-elsewhere")
def test_a_transit_engine_without_a_token_is_a_wrong_setting():
    with pytest.raises(InvalidSettings, match="DESKCLERK_VAULT_TOKEN"):
        open_wrapper(Settings(vault="transit:https://vault.example?key=deskclerk"))


async def test_what_kms_refuses_is_told_with_what_to_do(kms):
    with pytest.raises(StorageUnavailable, match="NotFoundException"):
        await of_kms(kms, key="other").wrap(DATA_KEY, WHOSE)
    kms.denied = True
    with pytest.raises(StorageUnavailable, match=r"AccessDeniedException.*kms:Encrypt and kms:Decrypt"):
        await of_kms(kms).wrap(DATA_KEY, WHOSE)


async def test_kms_is_told_whose_key_it_is_as_the_encryption_context(kms):
    await of_kms(kms).wrap(DATA_KEY, WHOSE)
    [(verb, given)] = kms.asked
    assert (verb, given["EncryptionContext"]) == ("Encrypt", {"deskclerk": WHOSE})
