"""Clerk's official Python client with machines, their tokens and API keys, knowing nothing but an address."""

import functools
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from clerk_backend_api import Clerk, models
from clerk_backend_api.security import authenticate_request, authenticaterequest
from clerk_backend_api.security.types import (
    AuthenticateRequestOptions,
    TokenVerificationError,
    VerifyTokenOptions,
)
from clerk_backend_api.security.verifytoken import verify_token

from tests.contract.served import served

KEY = "sk_test_sandbox"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with served(tmp_path_factory.mktemp("sandbox") / "sandbox.db") as address:
        yield address


@pytest.fixture(scope="module")
def clerk(address):
    with Clerk(bearer_auth=KEY, server_url=f"{address}/v1") as clerk:
        yield clerk


@pytest.fixture
def closing(monkeypatch):
    """Closes what the client leaves open when it verifies a token."""
    with ExitStack() as opened:
        plain = httpx.Client
        monkeypatch.setattr(httpx, "Client", lambda **given: opened.enter_context(plain(**given)))
        yield


@pytest.fixture(scope="module")
def files(clerk):
    return clerk.machines.create(request={"name": "Files"})


@pytest.fixture(scope="module")
def mail(clerk, files):
    """A machine that may call `files`."""
    return clerk.machines.create(request={"name": "Mail", "scoped_machines": [files.id]})


@contextmanager
def by(address, machine):
    """The client that a machine has."""
    with Clerk(bearer_auth=machine.secret_key, server_url=f"{address}/v1") as clerk:
        yield clerk


def api_key(address, subject, name):
    """A new key: the client expects a 201, and the documents of all versions have a 200."""
    body, headers = {"name": name, "subject": subject}, {"Authorization": f"Bearer {KEY}"}
    answer = httpx.post(f"{address}/v1/api_keys", json=body, headers=headers).raise_for_status()
    return models.CreateAPIKeyResponseBody(**answer.json())


def test_machines_are_kept_and_found(clerk, mail, files):
    assert clerk.machines.get(machine_id=mail.id).scoped_machines[0].id == files.id
    assert clerk.machines.list(query="mai").data[0].id == mail.id
    other = clerk.machines.create(request={"name": "Other"})
    scope = clerk.machines.create_scope(machine_id=other.id, to_machine_id=files.id)
    assert scope.to_machine_id == files.id
    gone = clerk.machines.delete_scope(machine_id=other.id, other_machine_id=files.id)
    assert gone.from_machine_id == other.id
    assert clerk.machines.update(machine_id=other.id, name="Renamed").name == "Renamed"
    secret = clerk.machines.rotate_secret_key(machine_id=other.id, previous_token_ttl=0).secret
    assert clerk.machines.get_secret_key(machine_id=other.id).secret == secret
    assert clerk.machines.delete(machine_id=other.id).id == other.id


def test_a_token_is_made_by_one_machine_and_verified_by_another(clerk, address, mail, files):
    with by(address, mail) as sender, by(address, files) as receiver:
        made = sender.m2m.create_token(claims={"job": 1})
        assert receiver.m2m.verify_token(token=made.token).subject == mail.id
        with pytest.raises(models.ClerkBaseError) as caught:
            sender.m2m.verify_token(token=made.token)
        assert caught.value.status_code == 404
    assert clerk.m2m.list_tokens(subject=mail.id).total_count == 1
    assert clerk.m2m.revoke_token(m2m_token_id=made.id, revocation_reason="Lost").revoked


def test_only_a_machine_makes_tokens(clerk):
    with pytest.raises(models.SDKError) as caught:
        clerk.m2m.create_token()
    assert caught.value.status_code == 401


@pytest.mark.usefixtures("closing")
def test_a_request_with_a_machines_token_or_an_api_key_is_authenticated(clerk, address, mail, monkeypatch):
    at_the_sandbox = functools.partial(VerifyTokenOptions, api_url=address)
    monkeypatch.setattr(authenticaterequest, "VerifyTokenOptions", at_the_sandbox)
    user = clerk.users.create(email_address=["key@sdk.example"], password="a long enough one")
    key = api_key(address, user.id, "Reports")
    with by(address, mail) as sender:
        token = sender.m2m.create_token().token
    for secret, told in ((token, ("machine_id", mail.id)), (key.secret, ("user_id", user.id))):
        request = httpx.Request("GET", "http://localhost", headers={"Authorization": f"Bearer {secret}"})
        state = authenticate_request(request, AuthenticateRequestOptions(secret_key=KEY))
        assert state.is_signed_in, state.message
        assert getattr(state.to_auth(), told[0]) == told[1]


@pytest.mark.usefixtures("closing")
def test_a_token_or_a_key_that_is_revoked_is_refused(clerk, address, mail, files):
    options = VerifyTokenOptions(secret_key=KEY, api_url=address)
    own = VerifyTokenOptions(machine_secret_key=files.secret_key, api_url=address)
    with by(address, mail) as sender:
        token = sender.m2m.create_token()
    key = api_key(address, files.id, "Of files")
    assert verify_token(token.token, own)["subject"] == mail.id
    assert verify_token(key.secret, options)["subject"] == files.id
    clerk.m2m.revoke_token(m2m_token_id=token.id)
    clerk.api_keys.revoke_api_key(api_key_id=key.id)
    for secret, asked in ((token.token, options), (token.token, own), (key.secret, options)):
        with pytest.raises(TokenVerificationError):
            verify_token(secret, asked)


def test_api_keys_are_kept_and_found(clerk, address, mail):
    made = api_key(address, mail.id, "Of mail")
    assert clerk.api_keys.get_api_keys(subject=mail.id).data[0].id == made.id
    assert clerk.api_keys.get_api_key(api_key_id=made.id).name == "Of mail"
    assert clerk.api_keys.get_api_key_secret(api_key_id=made.id).secret == made.secret
    assert clerk.api_keys.verify_api_key(secret=made.secret).id == made.id
    changed = clerk.api_keys.update_api_key(api_key_id=made.id, seconds_until_expiration=60)
    assert changed.expiration
    with pytest.raises(models.ClerkBaseError) as caught:
        clerk.api_keys.create_api_key(name="Of mail", subject=mail.id)
    assert caught.value.status_code == 409
    assert clerk.api_keys.delete_api_key(api_key_id=made.id).id == made.id
