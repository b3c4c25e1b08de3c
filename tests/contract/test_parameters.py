from collections import Counter

import pytest

from deskclerk.catalogue import ACTIONS
from deskclerk.catalogue.route import API_VERSION
from tests.contract import openapi
from tests.contract.differences import differences
from tests.contract.ledger import LEDGER

KNOWN = [difference for entry in LEDGER for difference in entry.differences()]


@pytest.mark.promise("the-48")
def test_the_48_actions_have_their_names_in_order():
    assert [action.spec.name for action in ACTIONS] == [item["name"] for item in openapi.ACTIONS]
    assert len(ACTIONS) == 48


@pytest.mark.promise("the-48")
def test_every_action_has_the_effect_that_the_contract_gives_it():
    ours = {action.spec.name: action.spec.effect.value for action in ACTIONS}
    assert ours == {item["name"]: item["effect"] for item in openapi.ACTIONS}


@pytest.mark.promise("the-48")
def test_every_action_uses_the_routes_that_really_serve_it_and_no_other():
    ours = {action.spec.name: sorted(map(str, action.spec.routes)) for action in ACTIONS}
    assert ours == {item["name"]: sorted(item["routes"]) for item in openapi.ACTIONS}


def test_the_version_asked_for_is_the_one_that_the_index_describes():
    assert openapi.VERSION == API_VERSION


def test_every_route_is_an_operation_of_clerks():
    routes = {(str(route.method), route.path) for action in ACTIONS for route in action.spec.routes}
    assert routes <= set(openapi.OPERATIONS)


def test_no_parameter_differs_from_clerks_beyond_the_ledger():
    assert sorted(map(str, set(differences()) - set(KNOWN))) == []


def test_no_entry_of_the_ledger_is_out_of_date():
    assert sorted(map(str, set(KNOWN) - set(differences()))) == []


def test_the_ledger_names_each_difference_once():
    assert [entry for entry, times in Counter(KNOWN).items() if times > 1] == []
