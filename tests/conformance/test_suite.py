"""Every scenario of the conformance suite that applies passes, in both eras; the page says so."""

import pytest

from tests.conformance.suite import DO_NOT_APPLY, PAGE, RUNS, page, run

LEAST = {"2025-11-25": 31, "2025-11-25, by the newer suite": 30, "2026-07-28": 37}
"""Scenarios that apply, as the suite lists them: a suite that ran nothing has shown nothing."""


@pytest.mark.promise("conformance")
def test_every_scenario_that_applies_passes_and_the_page_tells_it(url):
    results = {revision: run(revision, url) for revision in RUNS}
    failed = [
        (revision, item.name, item.failed)
        for revision, scenarios in results.items()
        for item in scenarios
        if item.applies and (item.failed or not item.passed)
    ]
    assert failed == []
    applying = {revision: sum(item.applies for item in found) for revision, found in results.items()}
    assert all(applying[revision] >= least for revision, least in LEAST.items()), applying
    assert PAGE.read_text(encoding="utf-8") == page(results)
    # What is listed as not applying is still something that the suite asks.
    asked = {item.name for found in results.values() for item in found}
    asked |= {name for found in results.values() for item in found for name in item.left_out}
    assert set(DO_NOT_APPLY) <= asked
