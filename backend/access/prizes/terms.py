"""What a prize is made of: anybody makes id and root anew from its list. Pure.

The same sponsor, asset, payout, list and text are the same prize, and the contract creates it once.
"""

from collections.abc import Sequence
from typing import Final

from backend.access.payouts.lines import Parties, PayoutLine, payout_id
from backend.access.payouts.orders import PayoutOrders, Terms
from backend.protocol.eip712 import Domain
from backend.protocol.hashing import Digest, keccak
from backend.protocol.prizes import PrizeEntry, PrizePayout
from backend.protocol.types import Address

RETURN_S: Final = 365 * 24 * 3600
"""How long after a prize's end its purse can return what nobody got."""


def terms_hash(lines: Sequence[PayoutLine], text: str) -> Digest:
    """Return what the contract keeps of the list and the text that people read."""
    return keccak(keccak(b"".join(line.encode() for line in lines)) + keccak(text.encode()))


def salt_of(token: Address, payout: PrizePayout, hashed_terms: Digest) -> Digest:
    """Return the salt that makes the same wish the same prize of its sponsor."""
    return keccak(token + bytes([payout]) + hashed_terms)


def entries_of(lines: Sequence[PayoutLine]) -> list[PrizeEntry]:
    """Return the entries of a list: the first line has index 0."""
    return [PrizeEntry(index, line.payee, line.amount_minor) for index, line in enumerate(lines)]


def purse_terms(
    purse: Address, sponsor: Address, token: Address, unit: int, deadline_ts_s: int
) -> Terms:
    """Return what the orders of a prize have in common: what is skipped returns to the sponsor."""
    parties = Parties(purse, sponsor)
    return Terms(parties, token, unit, 0, deadline_ts_s, 0, deadline_ts_s + RETURN_S)


def purse_orders(
    terms: Terms, pairs: Sequence[tuple[PayoutLine, int]], domain: Domain
) -> tuple[Digest, PayoutOrders]:
    """Return the payout's id and the orders of lines with their fees in minor units."""
    found_id = payout_id(terms.parties.owner, terms.token, [line for line, _ in pairs])
    return found_id, PayoutOrders(terms, pairs, domain)
