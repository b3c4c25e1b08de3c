"""A request as it comes in: its head at hand, its body read once and within bounds."""

from functools import cached_property
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from deskclerk.sandbox.http.call import Upload
from deskclerk.sandbox.http.errors import Problem, Refusal, refusal

LARGEST_BODY = 2**20
LARGEST_FILE = 10 * 2**20
_ENVELOPE = 2**16
"""What boundaries and part headers may take beside the file."""
_FORM = "multipart/form-data"
_VERSIONED = "/v1"
_UNVERSIONED = ("/api_keys", "/m2m_tokens", "/oauth_applications/access_tokens/")
"""What Clerk's own SDKs ask for without `/v1`: the service behind these takes them both ways."""


class Incoming:
    """One request; `trace` names it in what is answered."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, trace: str) -> None:
        self.scope, self.receive, self.send, self.trace = scope, receive, send, trace
        self.method: str = scope["method"]
        path: str = scope["path"]
        self.path = f"{_VERSIONED}{path}" if path.startswith(_UNVERSIONED) else path
        # Of a header that stands twice the first counts.
        self._headers = dict(reversed(scope["headers"]))
        self._content: bytes | None = None
        self._upload: Upload | None = None

    def header(self, name: str) -> str | None:
        """A header's value, by its name in small letters."""
        found: bytes | None = self._headers.get(name.encode())
        return None if found is None else found.decode("latin-1")

    @cached_property
    def query(self) -> list[tuple[str, str]]:
        """The query's names and values."""
        text: bytes = self.scope["query_string"]
        return parse_qsl(text.decode("latin-1"), keep_blank_values=True) if text else []

    @property
    def base_url(self) -> str:
        """Where the sandbox was reached, without a slash at the end."""
        host = self.header("host")
        if host is None:
            name, port = self.scope.get("server") or ("localhost", None)
            host = f"{name}:{port}" if port else name
        root = self.scope.get("root_path", "")
        return f"{self.scope.get('scheme', 'http')}://{host}{root}".rstrip("/")

    @property
    def client_ip(self) -> str:
        """Who asks, as a webhook tells it."""
        client = self.scope.get("client")
        return client[0] if client else "127.0.0.1"

    async def content(self) -> bytes:
        """The body, which is JSON if there is any."""
        if self._content is None:
            self._content = await self._read()
        return self._content

    async def _read(self) -> bytes:
        content = await self.raw()
        kind = self.content_type or "application/json"
        if content and kind != "application/json":
            raise refusal("unsupported_content_type", "Unsupported content type", "Send application/json.")
        return content

    @property
    def content_type(self) -> str:
        """What the body is said to be, without its parameters."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    async def raw(self) -> bytes:
        """The body as it came, whatever it is."""
        content = bytearray()
        async for chunk in Request(self.scope, self.receive).stream():
            content += chunk
            # While it arrives: a body is refused before it is whole in memory.
            if len(content) > LARGEST_BODY:
                text = f"At most {LARGEST_BODY} bytes."
                raise refusal("request_body_too_large", "The body is too large", text)
        return bytes(content)

    async def upload(self, name: str) -> Upload:
        """The file that the form has under `name`; refused if there is none, or if it is too large."""
        if self._upload is None:
            self._upload = await self._read_form(name)
        return self._upload

    async def _read_form(self, name: str) -> Upload:
        if self.content_type != _FORM:
            raise refusal("unsupported_content_type", "Unsupported content type", f"Send {_FORM}.")
        from starlette.formparsers import MultiPartException  # noqa: PLC0415 - few requests bring a file

        try:
            # Clerk's forms have one file and a field or two; the parser would take a thousand.
            async with Request(self.scope, self._limited()).form(max_files=1, max_fields=8) as form:
                file = form.get(name)
                # A field without a file name arrives as text.
                if file is None or isinstance(file, str):
                    raise Refusal(
                        Problem("form_param_missing", "is missing", f"The form has no file {name}.", name),
                        status=400,
                    )
                content = await file.read()
                return Upload(content, (file.content_type or "").partition(";")[0].strip().lower())
        except MultiPartException:
            raise refusal(
                "request_body_invalid", "body is invalid", "The body is not a valid form."
            ) from None

    def _limited(self) -> Receive:
        """Receives a body that is refused as soon as it is too long."""
        taken = 0

        async def receive() -> Message:
            nonlocal taken
            message = await self.receive()
            taken += len(message.get("body", b""))
            # Counted as it arrives: the form's own parser would first write all of it to the disk.
            if taken > LARGEST_FILE + _ENVELOPE:
                text = f"An image has at most {LARGEST_FILE} bytes."
                raise refusal("image_too_large", "Image too large", text)
            return message

        return receive
