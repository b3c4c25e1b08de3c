"""What an action sends."""

import asyncio

import pytest

from deskclerk.catalogue import ACTIONS, Request

every_action = pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.spec.name)

TEMPLATE = {"name": "orders", "claims": {"plan": "pro"}, "id": "jtmp_1", "lifetime": 60}


def sent(action, given_arguments) -> list[Request]:
    """Every request that the action sends, answered as far as the action itself reads answers."""
    asked = action.parse(given_arguments)
    requests: list[Request] = []

    async def send(request):
        requests.append(request)
        named = {"id": getattr(asked, "domain_id", "dmn_1")}
        member = {"public_user_data": {"user_id": getattr(asked, "user_id", "user_1")}}
        return TEMPLATE | {"data": [named, member | named], "total_count": 2}

    asyncio.run(asked.perform(send))
    return requests
