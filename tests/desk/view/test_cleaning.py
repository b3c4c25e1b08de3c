"""What end users wrote comes out visible, bounded and otherwise as it was."""

# ruff: noqa: RUF001 - letters that look like others are what this is about

import json

import pytest

from deskclerk.desk.view.cleaning import DEEPEST, WIDEST, clean, clean_text


@pytest.mark.parametrize(
    "text",
    [
        "❤️",
        "👩‍💻 works",
        "👨‍👩‍👧‍👦",
        "👍🏽",
        "🏳️‍🌈",
        "1️⃣",
        "🇩🇪",
        "раураl.com looks like paypal.com",
        "𝐁𝐨𝐥𝐝",
        "Ünïcödé e\u0301",
        "中文 עברית العربية",
        "a\ttab and\na line",
    ],
)
def test_legitimate_text_stays_as_it_is(text):
    assert clean_text(text) == text


@pytest.mark.promise("inert")
@pytest.mark.parametrize(
    ("dirty", "expected"),
    [
        ("a\u200db", "ab"),
        ("x\ufe0f", "x"),
        ("👍\u200d\u200d\u200b", "👍"),
        ("👍\ufe0e\ufe01", "👍"),
        ("🏴\U000e0067\U000e0062\U000e007f", "🏴"),
        ("👍\U000e0101\U000e0102", "👍"),
        ("\u3164\u115f\u034fx", "x"),
        ("می\u200cخواهم", "میخواهم"),
        ("\x1b]8;;https://x.test\x07click\x1b]8;;\x07", "]8;;https://x.testclick]8;;"),
        ("\x9b31mred", "31mred"),
        ("?__clerk_\u200bticket=eyJ.a.b", "?__clerk_ticket=[secret]"),
        ("?u=x%3F__clerk_ticket%3DeyJ.a.b%26y", "?u=x%3F__clerk_ticket%3D[secret]%26y"),
        ("?u=x%253F__clerk_ticket%253DeyJ.a.b", "?u=x%253F__clerk_ticket%253D[secret]"),
    ],
)
def test_what_hides_or_acts_is_taken_out(dirty, expected):
    assert clean_text(dirty) == expected


def test_nesting_ends_with_a_mark():
    value = "deep"
    for _ in range(3_000):
        value = [value]
    text = json.dumps(clean({"metadata": value}))
    assert "deeper levels" in text
    assert text.count("[") < DEEPEST + 2


def test_wide_lists_and_objects_end_with_a_mark():
    shown = clean({"list": list(range(WIDEST + 7)), "object": {str(n): n for n in range(WIDEST + 9)}})
    assert (len(shown["list"]), shown["list"][-1]) == (WIDEST + 1, "… [7 more items]")
    assert (len(shown["object"]), shown["object"]["…"]) == (WIDEST + 1, "[9 more keys]")


def test_a_list_of_items_itself_is_cut_by_its_budget_only():
    assert len(clean(list(range(WIDEST * 2)))) == WIDEST * 2


def test_no_key_hides_another_and_long_ones_are_cut():
    shown = clean({"a": 1, "a\u200b": 2, "a\x00": 3, "k" * 900: 4})
    assert list(shown)[:3] == ["a", "a (2)", "a (3)"]
    assert max(map(len, shown)) < 250


def test_what_json_cannot_say_is_said_as_text():
    assert json.loads(json.dumps(clean({"x": float("nan"), "y": [float("inf")]}), allow_nan=False)) == {
        "x": "nan",
        "y": ["inf"],
    }
