"""Looking for a secret in the whole of an answer finds what going through it does."""

import json

from hypothesis import given
from hypothesis import strategies as st

from deskclerk.catalogue.withheld import REDACTED
from deskclerk.clerk import redaction
from deskclerk.clerk.redaction import redactor

KEY = 'sk_test_"quoted"\\and\u00e9\n0123456789'
AROUND = st.text(max_size=8)
VALUES = st.recursive(
    st.one_of(
        AROUND,
        st.integers(),
        st.booleans(),
        st.builds(lambda a, b: a + KEY + b, AROUND, AROUND),
        st.builds(lambda a: a + json.dumps(KEY)[1:-1], AROUND),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(AROUND, inner, max_size=3)),
    max_leaves=8,
)


@given(VALUES)
def test_a_key_is_taken_out_wherever_it_stands(value):
    quick = redactor(KEY)(value)
    found = redaction._has
    redaction._has = lambda *_: True
    try:
        assert quick == redactor(KEY)(value)
    finally:
        redaction._has = found
    assert KEY not in json.dumps(quick, ensure_ascii=False)


def test_an_answer_without_secrets_is_the_same_object():
    page = [{"id": "user_1", "first_name": "Ada"}]
    assert redactor(KEY)(page) is page
    assert redactor(KEY)([{"a": f"x {KEY}"}]) == [{"a": f"x {REDACTED}"}]
