"""Starlette alone on the sandbox's server, loop and parser: one route that answers one user. For benchmarks.

Run: python benchmarks/bare_starlette.py PORT FILE, where FILE holds the user's JSON
"""

import json
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

USER = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))


async def user(_request: Request) -> JSONResponse:
    """The one user."""
    return JSONResponse(USER)


if __name__ == "__main__":
    app = Starlette(routes=[Route("/v1/users/{user_id}", user)])
    print("ready", flush=True)
    uvicorn.run(
        app, port=int(sys.argv[1]), log_level="error", access_log=False, loop="uvloop", http="httptools"
    )
