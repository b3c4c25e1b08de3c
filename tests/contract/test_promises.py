"""Promises have tests, tests that name a promise name one that there is, and the README makes no other."""

from tests.promises import MUTATIONS, NO_PROMISES, PAGES, PROMISES, ROOT, keeping_tests, sentences

LEAST_MUTATIONS = 20


def test_every_promise_has_a_test_and_every_test_names_a_promise_that_there_is():
    named = {kept.promise for kept in keeping_tests()}
    assert sorted(PROMISES.keys() - named) == []
    assert sorted(named - PROMISES.keys()) == []


def test_every_sentence_of_the_readme_and_its_next_pages_is_a_promise_or_said_to_be_none():
    beginnings = [*NO_PROMISES, *(text for promise in PROMISES.values() for text in promise.readme)]
    said = [item for page in PAGES for item in sentences((ROOT / page).read_text("utf-8"))]
    assert [item for item in said if not item.startswith(tuple(beginnings))] == []
    assert [text for text in beginnings if not any(item.startswith(text) for item in said)] == []


def test_every_mutation_breaks_one_place_that_there_is_and_is_noticed_by_a_test_of_its_promise():
    keeping = {(kept.promise, f"{kept.file}::{kept.test}") for kept in keeping_tests()}
    for item in MUTATIONS:
        assert (item.promise, item.test) in keeping, item
        assert (ROOT / item.file).read_text("utf-8").count(item.line) == 1, item
    assert len({item.promise for item in MUTATIONS}) >= LEAST_MUTATIONS
