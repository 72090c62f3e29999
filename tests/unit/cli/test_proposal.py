"""What `causeway proposal` says of balances: in decimals, or in base units of an unknown token."""

from types import SimpleNamespace

from backend.cli import proposal
from backend.protocol.types import Address, address_text
from backend.settlement.dry_run import BalanceChange

TOKEN, OTHER, PERSON = (Address(bytes([number]) * 20) for number in (1, 2, 3))
TOKENS = [SimpleNamespace(address=TOKEN, symbol="USDX", decimals=6)]


def test_moved__known_token__is_a_decimal_succeeds():
    who = address_text(PERSON)

    assert proposal._moved(BalanceChange(TOKEN, PERSON, 12_500_000), TOKENS) == (
        f"{who} gets 12.5 USDX"
    )
    assert proposal._moved(BalanceChange(TOKEN, PERSON, -1), TOKENS) == f"{who} pays 0.000001 USDX"


def test_moved__unknown_token__is_in_base_units_succeeds():
    shown = proposal._moved(BalanceChange(OTHER, PERSON, 700), TOKENS)

    assert shown == f"{address_text(PERSON)} gets 700 base units of token {address_text(OTHER)}"
