import subprocess
import sys

import pytest

import deskclerk
from tests.usage import library


@pytest.mark.promise("library", "library-approver")
@pytest.mark.anyio
async def test_the_library_reads_and_writes_as_its_example_says():
    answer = await library.read()
    assert len(answer.value["items"]) <= 5
    ids = await library.everything()
    assert len(ids) == len(set(ids)) == 100
    assert "deskclerk approve" in await library.unsigned(ids[0])
    changed = await library.signed(ids[0])
    assert changed.value["public_metadata"]["seen"] is True
    assert "limit" in library.wrong()


@pytest.mark.promise("library")
def test_everything_public_can_be_imported_from_the_front():
    from_rooms = {"Desk", "ListUsers", "DeleteClient", "InvalidRequest", "Settings", "ACTIONS", "Signature"}
    assert all(hasattr(deskclerk, name) for name in from_rooms)
    with pytest.raises(AttributeError, match="Nonsense"):
        _ = deskclerk.Nonsense


def test_importing_the_package_imports_nothing_else():
    rooms = "[name for name in sys.modules if name.startswith(('deskclerk.', 'pydantic'))]"
    program = f"import sys, deskclerk; print({rooms})"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
