"""Stand-ins on loopback for the vaults of others: a transit engine and AWS KMS, by their documented APIs."""

import base64
import binascii
import json
import secrets
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN = "hvs.made-up"


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status, body):
        super().__init__(status)
        self.status, self.body = status, body


class TransitEngine:
    """One mounted engine: keys by name, each a list of versions; `asked` is what came in."""

    def __init__(self, mount="transit"):
        self.mount, self.keys, self.asked, self.sealed = (
            mount,
            {"deskclerk": [secrets.token_bytes(32)]},
            [],
            False,
        )

    def answer(self, path, headers, body):
        given = json.loads(body)
        self.asked.append((path, headers.get("X-Vault-Namespace"), given))
        if self.sealed:
            raise Refusal(503, {"errors": ["Vault is sealed"]})
        if headers.get("X-Vault-Token") != TOKEN:
            raise Refusal(403, {"errors": ["permission denied"]})
        _, version, *mount, verb, name = path.split("/")
        if version != "v1" or "/".join(mount) != self.mount:
            raise Refusal(404, {"errors": [f'no handler for route "{path}"']})
        if name not in self.keys:
            raise Refusal(400, {"errors": ["encryption key not found"]})
        return {"data": getattr(self, verb)(self.keys[name], given), "request_id": "1", "lease_id": ""}

    def encrypt(self, versions, given):
        nonce = secrets.token_bytes(12)
        plain, bound = (base64.b64decode(given.get(part, "")) for part in ("plaintext", "associated_data"))
        sealed = base64.b64encode(nonce + AESGCM(versions[-1]).encrypt(nonce, plain, bound)).decode()
        return {"ciphertext": f"vault:v{len(versions)}:{sealed}", "key_version": len(versions)}

    def decrypt(self, versions, given):
        try:
            vault, version, text = given["ciphertext"].split(":")
            assert vault == "vault"
            whole, bound = base64.b64decode(text), base64.b64decode(given.get("associated_data", ""))
            plain = AESGCM(versions[int(version[1:]) - 1]).decrypt(whole[:12], whole[12:], bound)
        except (InvalidTag, binascii.Error, ValueError, IndexError):
            raise Refusal(400, {"errors": ["cipher: message authentication failed"]}) from None
        return {"plaintext": base64.b64encode(plain).decode()}


class Kms:
    """Symmetric keys by id; `asked` is what came in."""

    def __init__(self):
        self.keys, self.asked, self.denied = {"key-1": secrets.token_bytes(32)}, [], False

    def answer(self, path, headers, body):
        given = json.loads(body)
        service, verb = headers["X-Amz-Target"].split(".")
        self.asked.append((verb, given))
        assert (path, service) == ("/", "TrentService")
        if self.denied:
            raise Refusal(400, {"__type": "AccessDeniedException", "Message": "not authorized"})
        if given["KeyId"] not in self.keys:
            raise Refusal(400, {"__type": "NotFoundException", "message": "Invalid keyId"})
        key = AESGCM(self.keys[given["KeyId"]])
        bound = json.dumps(given.get("EncryptionContext", {}), sort_keys=True).encode()
        name = f"arn:aws:kms:eu-central-1:1:key/{given['KeyId']}"
        if verb == "Encrypt":
            nonce = secrets.token_bytes(12)
            blob = nonce + key.encrypt(nonce, base64.b64decode(given["Plaintext"]), bound)
            return {"CiphertextBlob": base64.b64encode(blob).decode(), "KeyId": name}
        blob = base64.b64decode(given["CiphertextBlob"])
        try:
            plain = key.decrypt(blob[:12], blob[12:], bound)
        except InvalidTag:
            raise Refusal(400, {"__type": "InvalidCiphertextException"}) from None
        return {"Plaintext": base64.b64encode(plain).decode(), "KeyId": name}


@contextmanager
def served(service):
    """The origin of a stand-in that answers POST."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                status, answer = 200, service.answer(self.path, self.headers, body)
            except Refusal as refusal:
                status, answer = refusal.status, refusal.body
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
