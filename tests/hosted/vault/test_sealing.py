import base64
import secrets
from dataclasses import replace

import pytest

from deskclerk.hosted.vault.sealing import DataKey, Place, SealBroken, version_of

KEY = DataKey("ws_1", 3, secrets.token_bytes(32))
HERE = Place("ws_1", "prod", "instances.secret_key:ins_1")
TEXT = "sk_live_ünverkennbar"


def test_a_sealed_value_opens_in_its_place_and_names_its_version():
    sealed = KEY.seal(HERE, TEXT)
    assert (KEY.open(HERE, sealed), version_of(sealed)) == (TEXT, 3)
    assert KEY.seal(HERE, TEXT) != sealed
    for form in (TEXT, base64.b64encode(TEXT.encode()).decode(), TEXT.encode().hex()):
        assert form not in sealed


@pytest.mark.promise("sealed-in-its-place")
@pytest.mark.parametrize(
    "elsewhere",
    [
        {"workspace": "ws_2"},
        {"instance": "dev"},
        {"instance": ""},
        {"purpose": "instances.secret_key:ins_2"},
        {"instance": "prod,instances", "purpose": "secret_key:ins_1"},
    ],
)
def test_a_value_that_was_moved_does_not_open(elsewhere):
    with pytest.raises(SealBroken) as caught:
        KEY.open(replace(HERE, **elsewhere), KEY.seal(HERE, TEXT))
    assert caught.value.next_step
    assert TEXT not in str(caught.value)


def test_no_other_key_opens_it():
    with pytest.raises(SealBroken):
        DataKey("ws_1", 3, secrets.token_bytes(32)).open(HERE, KEY.seal(HERE, TEXT))


def test_a_value_that_says_another_version_does_not_open():
    # Else one could be said to be new that an old key sealed.
    sealed = KEY.seal(HERE, TEXT)
    with pytest.raises(SealBroken):
        KEY.open(HERE, sealed.replace("dk1.3.", "dk1.4."))


@pytest.mark.parametrize(
    "broken", ["", "dk1", "dk1.3", "dk1.x.AAAA", "dk2.3.AAAA", "dk1.3.", "dk1.3.!", "plain"]
)
def test_what_is_no_sealed_value_is_told_and_not_read(broken):
    with pytest.raises(SealBroken):
        KEY.open(HERE, broken)


def test_every_changed_byte_is_noticed():
    head, _, text = KEY.seal(HERE, "x").rpartition(".")
    whole = base64.urlsafe_b64decode(text)
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 0x80
        with pytest.raises(SealBroken):
            KEY.open(HERE, f"{head}.{base64.urlsafe_b64encode(changed).decode()}")


def test_a_key_is_not_shown():
    assert KEY.key.hex() not in repr(KEY)
    assert repr(KEY.key) not in repr(KEY)
