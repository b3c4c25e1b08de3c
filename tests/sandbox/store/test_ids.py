import datetime as dt
import random

from ksuid import KsuidMs

from deskclerk.sandbox.ids import id_from, new_id


def test_an_id_is_a_prefix_and_what_the_ksuid_library_writes():
    chance = random.Random(1)
    for now in (1_400_000_000_000, 1_790_000_000_123, 1_780_272_000_000, 2_900_000_000_007):
        for payload in (bytes(15), b"\xff" * 15, chance.randbytes(15)):
            moment = dt.datetime.fromtimestamp(now / 1000, dt.UTC)
            assert id_from("user", now, payload) == f"user_{KsuidMs(datetime=moment, payload=payload)}"


def test_ids_sort_by_time():
    ids = [new_id("user", 1_790_000_000_000 + 4 * step) for step in range(100)]
    assert ids == sorted(ids)
