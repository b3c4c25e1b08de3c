"""The Python that a page shows is a test, and passes as it stands there."""

import re
from pathlib import Path

PAGE = Path(__file__).parent.parent.parent / "docs" / "sandbox-oauth.md"


def test_the_sign_in_on_the_page_of_the_issuer_works(clerk_sandbox):
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    names = {}
    exec(compile(block, str(PAGE), "exec"), names)
    names["test_ada_signs_in"](clerk_sandbox)
