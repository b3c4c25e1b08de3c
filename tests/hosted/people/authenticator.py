"""A passkey in software: an ES256 key that answers as an authenticator does (WebAuthn level 2, 6 and 7)."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

_PRESENT, _VERIFIED, _ATTESTED = 1, 4, 64


def text(data):
    return urlsafe_b64encode(data).decode().rstrip("=")


def data(text):
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Authenticator:
    def __init__(self, origin, host="localhost"):
        self.origin, self.host = origin, host
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(32)
        self.count = 0
        self.verifies = True

    def _client_data(self, kind, options):
        said = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _flags(self):
        return _PRESENT | (_VERIFIED if self.verifies else 0)

    def _head(self, flags):
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def make(self, options):
        """What a browser sends for the options of a new passkey, as JSON."""
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        head = self._head(self._flags() | _ATTESTED)
        told = head + bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(public)
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": told})
        client = self._client_data("webauthn.create", json.loads(options))
        return self._answer(clientDataJSON=text(client), attestationObject=text(attestation))

    def sign(self, options):
        """What a browser sends for the options of an assertion, as JSON."""
        self.count += 1
        client = self._client_data("webauthn.get", json.loads(options))
        head = self._head(self._flags())
        signature = self.key.sign(head + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            clientDataJSON=text(client), authenticatorData=text(head), signature=text(signature)
        )

    def _answer(self, **response):
        raw = text(self.id)
        return json.dumps({"id": raw, "rawId": raw, "type": "public-key", "response": response})
