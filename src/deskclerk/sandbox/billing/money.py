"""Amounts of money as Clerk writes them; the sandbox counts in cents of one currency."""

from typing import Any

from deskclerk.sandbox.http.errors import invalid

CURRENCY, SYMBOL = "USD", "$"


def money(cents: int) -> dict[str, Any]:
    """An amount, also as people write it."""
    whole, rest = divmod(abs(cents), 100)
    return {
        "amount": cents,
        "amount_formatted": f"{'-' if cents < 0 else ''}{SYMBOL}{whole:,}.{rest:02}",
        "currency": CURRENCY,
        "currency_symbol": SYMBOL,
    }


def check_currency(given: str) -> None:
    """Refuse any but the one currency that there is."""
    if given.upper() != CURRENCY:
        raise invalid("currency", f"currency must be {CURRENCY}, as that of all plans here.")
