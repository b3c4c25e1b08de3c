"""Marked secrets are used in a visit, and looked for in everything that is written down or shown of it."""

import base64
import io
import logging
import subprocess
from urllib.parse import quote

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from deskclerk.catalogue import CreateUser
from deskclerk.desk import Caller
from deskclerk.faces.mcp.server import log_to_stderr
from deskclerk.hosted.operating.logs import log_json
from deskclerk.hosted.operating.tracing import Tracing
from deskclerk.hosted.workspaces.desks import Place
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.databases import server_programs
from tests.hosted.attacks.world import World
