"""The instance's signing key."""

import asyncio
import logging

import jwt
import pytest

from deskclerk.sandbox import open_sandbox
from deskclerk.sandbox.store.tables import signing_keys
from tests.sandbox.conftest import Client
from tests.sandbox.tokens.reading import verified

pytestmark = pytest.mark.anyio


async def test_the_keys_are_one_rsa_key_named_after_the_instance(shared):
    answer = await shared.get("/jwks")
    assert await shared.get("/jwks") == answer
    (key,) = answer["keys"]
    (instance,) = (await shared.sandbox.store.state()).by_key.values()
    assert {name: key[name] for name in ("use", "kty", "kid", "alg", "e")} == {
        "use": "sig",
        "kty": "RSA",
        "kid": instance.id,
        "alg": "RS256",
        "e": "AQAB",
    }
    assert set(key) == {"use", "kty", "kid", "alg", "n", "e"}
    assert jwt.PyJWK(key).key.key_size == 2048


async def test_opening_a_sandbox_makes_no_key(clerk):
    assert await kept_keys(clerk) == []
    answers = await asyncio.gather(*(clerk.get("/jwks") for _ in range(20)))
    assert len({answer["keys"][0]["n"] for answer in answers}) == 1
    assert len(await kept_keys(clerk)) == 1


async def kept_keys(clerk):
    async with clerk.sandbox.store.transaction(reads=True) as connection:
        return (await connection.execute(signing_keys.select())).mappings().all()


async def test_keys_and_tokens_survive_a_restart(databases, clock):
    place = databases.new()
    async with open_sandbox(place, seed=False, clock=clock) as sandbox:
        clerk = Client(sandbox)
        user = await clerk.post("/users", {"username": "adam"})
        session = await clerk.post("/sessions", {"user_id": user["id"]})
        token = (await clerk.post(f"/sessions/{session['id']}/tokens"))["jwt"]
    async with open_sandbox(place, seed=False, clock=clock) as sandbox:
        _, claims = await verified(Client(sandbox), token)
        assert claims["sid"] == session["id"]


async def test_the_private_key_is_in_no_answer_and_in_no_log(clerk, caplog):
    caplog.set_level(logging.DEBUG)
    user = await clerk.post("/users", {"username": "adam"})
    session = await clerk.post("/sessions", {"user_id": user["id"]})
    answers = [
        await clerk.get("/jwks"),
        await clerk.post(f"/sessions/{session['id']}/tokens"),
        await clerk.post("/sign_in_tokens", {"user_id": user["id"]}),
    ]
    (kept,) = await kept_keys(clerk)
    parts = [line for line in kept["private_key"].splitlines() if "-" not in line]
    assert not [line for line in parts if line in str(answers) + caplog.text]
    assert not {"d", "p", "q"} & set(answers[0]["keys"][0])
