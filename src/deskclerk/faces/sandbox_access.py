"""Reaches the controls of a sandbox: those of a running one over HTTP, or those of a database."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from deskclerk.errors import ClerkUnavailable, InvalidRequest
from deskclerk.faces.cli.state import Advance


class Reach(Protocol):
    """A way to the controls."""

    async def run(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Run one control by its name."""

    async def people(self, values: Mapping[str, Any], advance: Advance) -> dict[str, Any]:
        """Generate people."""

    async def snapshot(self) -> bytes:
        """Everything, as a file's content."""

    async def restore(self, content: bytes) -> dict[str, Any]:
        """Put a snapshot in the place of everything."""


class _Local:
    def __init__(self, store: Any) -> None:
        self.store = store

    async def run(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        from deskclerk.sandbox.controls.arguments import read  # noqa: PLC0415
        from deskclerk.sandbox.controls.http import CONTROLS  # noqa: PLC0415

        return await CONTROLS[name].run(self.store, read(CONTROLS[name].takes, values))

    async def people(self, values: Mapping[str, Any], advance: Advance) -> dict[str, Any]:
        from deskclerk.sandbox.controls import seeding  # noqa: PLC0415
        from deskclerk.sandbox.controls.arguments import read  # noqa: PLC0415

        given = read(seeding.Seed, values)
        return await seeding.seed_people(self.store, given, advance)

    async def snapshot(self) -> bytes:
        from deskclerk.sandbox.controls import clock, data  # noqa: PLC0415

        return await data.snapshot(self.store, clock.Nothing())

    async def restore(self, content: bytes) -> dict[str, Any]:
        from deskclerk.sandbox.controls import data  # noqa: PLC0415

        return await data.restore(self.store, content)


class _Remote:
    def __init__(self, http: Any) -> None:
        self.http = http

    async def run(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        from deskclerk.sandbox.controls.http import CONTROLS  # noqa: PLC0415

        control = CONTROLS[name]
        path = control.path.format_map({key: quote(str(value), safe="") for key, value in values.items()})
        more = {key: value for key, value in values.items() if f"{{{key}}}" not in control.path}
        reads = control.method in ("GET", "DELETE")
        options: dict[str, Any] = {"params": more} if reads else {"json": more}
        return await self._json(control.method, path, **options)

    async def people(self, values: Mapping[str, Any], advance: Advance) -> dict[str, Any]:
        advance(0, None)  # one request: it says nothing until it is done
        return await self.run("seed", values)

    async def snapshot(self) -> bytes:
        answer = await self._ask("GET", "/snapshot")
        return bytes(answer.content)

    async def restore(self, content: bytes) -> dict[str, Any]:
        kind = {"content-type": "application/gzip"}
        return await self._json("POST", "/restore", content=content, headers=kind)

    async def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer: dict[str, Any] = (await self._ask(method, path, **options)).json()
        return answer

    async def _ask(self, method: str, path: str, **options: Any) -> Any:
        import httpx2  # noqa: PLC0415

        try:
            answer = await self.http.request(method, f"/sandbox{path}", **options)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            text = f"No sandbox answers at {self.http.base_url}: {type(error).__name__}."
            raise ClerkUnavailable(text, next_step="Start one with deskclerk sandbox.") from None
        if answer.is_success:
            return answer
        raise InvalidRequest(_message(answer))


def _message(answer: Any) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"What answers there is no sandbox of this version: {answer.status_code}."


@asynccontextmanager
async def reaching(url: str | None, location: str | Path, token: str | None) -> AsyncIterator[Reach]:
    """The controls of a sandbox: of a running one by its URL, or those of a database."""
    if url:
        import httpx2  # noqa: PLC0415 - only for a running one

        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with httpx2.AsyncClient(base_url=url.rstrip("/"), headers=headers, timeout=600) as http:
            yield _Remote(http)
        return
    from deskclerk.sandbox import open_sandbox  # noqa: PLC0415

    async with open_sandbox(location) as opened:
        yield _Local(opened.store)
