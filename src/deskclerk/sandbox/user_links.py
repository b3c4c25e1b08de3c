"""What else identifies a user and can be taken away: accounts at OAuth providers, and wallets."""

from typing import Any

from deskclerk.catalogue.route import DELETE
from deskclerk.sandbox.call import Call, Handlers
from deskclerk.sandbox.identifications import check_deletable, forget, next_primary
from deskclerk.sandbox.operation import Operation
from deskclerk.sandbox.refusals import not_found
from deskclerk.sandbox.rows import find, get, remove
from deskclerk.sandbox.store.tables import external_accounts, users, web3_wallets
from deskclerk.sandbox.user_changes import changed_user


class DeleteExternalAccount(
    Operation, route=DELETE("/users/{user_id}/external_accounts/{external_account_id}")
):
    """Takes nothing."""


class DeleteWallet(Operation, route=DELETE("/users/{user_id}/web3_wallets/{web3_wallet_identification_id}")):
    """Takes nothing."""


async def delete_external_account(call: Call) -> dict[str, Any]:
    """Part a user from an account; the e-mail address that it brought stays."""
    user = await get(call, users, call.path["user_id"], "user")
    key = call.path["external_account_id"]
    row = await find(call, external_accounts, id=key, user_id=user["id"])
    if row is None:
        raise not_found("external account of this user", key)
    await check_deletable(call, "external_account", row)
    await remove(call, external_accounts, key)
    await changed_user(call, user["id"])
    return {"object": "external_account", "id": key, "deleted": True}


async def delete_wallet(call: Call) -> dict[str, Any]:
    """One wallet less."""
    user = await get(call, users, call.path["user_id"], "user")
    key = call.path["web3_wallet_identification_id"]
    row = await find(call, web3_wallets, id=key, user_id=user["id"])
    if row is None:
        raise not_found("wallet of this user", key)
    await check_deletable(call, "web3_wallet", row)
    await forget(call, "web3_wallet", row)
    await changed_user(call, user["id"], **await next_primary(call, "web3_wallet", row))
    return {"object": "web3_wallet", "id": key, "deleted": True}


HANDLERS: Handlers = {DeleteExternalAccount: delete_external_account, DeleteWallet: delete_wallet}
