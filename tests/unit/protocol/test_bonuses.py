"""What attestors of turnover sign.

- digest: as another library makes it; another number or domain gives another one
- terms: their order is the contract's struct
"""

from dataclasses import fields, replace

import pytest
from eth_account.messages import _hash_eip191_message, encode_typed_data

from backend.protocol.bonuses import Terms, Tier, Turnover, bonus_domain, terms_arguments
from backend.protocol.hashing import ZERO_DIGEST
from backend.protocol.types import Address
from backend.settlement.artifacts import artifact

CAMPAIGNS = Address(b"\x0c" * 20)
DOMAIN = bonus_domain(31337, CAMPAIGNS)
TURNOVER = Turnover(7, 2**191, 2**64 - 1)


def test_digest__other_library__succeeds():
    message = encode_typed_data(full_message=TURNOVER.typed_data(DOMAIN))

    assert TURNOVER.digest(DOMAIN) == _hash_eip191_message(message)


def test_digest__any_other_field_or_domain__changes_holds():
    digests = {TURNOVER.digest(DOMAIN), TURNOVER.digest(bonus_domain(1, CAMPAIGNS))}
    for field in fields(TURNOVER):
        other = replace(TURNOVER, **{field.name: getattr(TURNOVER, field.name) - 1})
        digests.add(other.digest(DOMAIN))

    assert len(digests) == 5


@pytest.mark.parametrize(("base", "number"), [("deposit", 0), ("bonus", 1)])
def test_terms_arguments__as_calldata__are_read_back_succeeds(base, number):
    tiers = (Tier(1, 2, 0), Tier(10, 0, 500))
    attestor = Address(b"\x01" * 20)
    terms = Terms(1, 2, 3, 4, 5, 6, base, 1, 8, 9, ZERO_DIGEST, tiers, (attestor,))
    abi = artifact("BonusCampaigns").abi

    decoded = abi.decode_call(abi.call_data("createCampaign", terms_arguments(terms), 11))

    assert decoded is not None
    read = decoded.values["terms"]
    assert decoded.values["budgetMinor"] == 11
    assert read["turnoverBase"] == number
    assert (read["holdingS"], read["expiryS"], read["turnoverBps"]) == (5, 6, 8)
    assert read["tiers"][1] == {"depositMinorMin": 10, "bonusMinor": 0, "matchBps": 500}
    assert read["attestors"] == [attestor]
