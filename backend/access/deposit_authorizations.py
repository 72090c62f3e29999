"""Deposits of holders who sign and send nothing (ERC-3009; docs/PROTOCOL.md, section 7).

Law: nobody is given a transaction to pay for whose signature isn't the holder's over this very
deposit.
"""

import secrets
from dataclasses import dataclass
from typing import Final

from backend.access.assets import NamedAsset
from backend.access.ports import AuthorizationFacts, Chain
from backend.access.schemas import AuthorizationIn
from backend.access.views import Json
from backend.protocol.deposits import DepositAuthorization, TokenDomain, deposit_nonce
from backend.protocol.eip712 import Domain
from backend.protocol.errors import MalformedRequest, SignatureInvalid
from backend.protocol.hashing import Digest
from backend.protocol.signing import recover
from backend.protocol.types import Address, digest_text

AUTHORIZATION_LIFE_S: Final = 3600
_SALT_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class WantedDeposit:
    """`holder` pays `amount` base units of an asset; they are credited to `owner`."""

    named: NamedAsset
    owner: Address
    holder: Address
    amount: int


async def offer_authorization(chain: Chain, domain: Domain, wanted: WantedDeposit) -> Json | None:
    """Return what the holder may sign in place of sending: None if his token can't take it.

    Each has a salt of its own, so that two deposits of the same amount are two.
    """
    salt = Digest(secrets.token_bytes(_SALT_BYTES))
    nonce = deposit_nonce(wanted.named.asset_id, wanted.owner, salt)
    facts = await chain.authorization_facts(wanted.named.asset.token, wanted.holder, nonce)
    if facts is None:
        return None
    valid_before_ts_s = await chain.latest_ts_s() + AUTHORIZATION_LIFE_S
    authorization = _authorization(domain, wanted, valid_before_ts_s, nonce)
    return {
        "salt": digest_text(salt),
        "valid_before": str(valid_before_ts_s),
        "typed_data": authorization.typed_data(_token_domain(domain, wanted, facts)),
    }


async def check_authorization(
    chain: Chain, domain: Domain, wanted: WantedDeposit, signed: AuthorizationIn
) -> None:
    """Check that the chain will take an authorisation as it is now.

    Raises MalformedRequest if the token knows none, SignatureInvalid (another signer, owner, asset,
    amount, salt or time than signed; used or cancelled; over), SignatureHighS.
    """
    nonce = deposit_nonce(wanted.named.asset_id, wanted.owner, Digest(signed.salt))
    facts = await chain.authorization_facts(wanted.named.asset.token, wanted.holder, nonce)
    if facts is None:
        raise MalformedRequest("authorization", "the token takes none (ERC-3009)")
    authorization = _authorization(domain, wanted, signed.valid_before, nonce)
    digest = authorization.digest(_token_domain(domain, wanted, facts))
    if recover(digest, signed.signature) != wanted.holder:
        raise SignatureInvalid("it is not the depositor's over this deposit")
    if facts.is_used:
        raise SignatureInvalid("it was used or cancelled")
    ts_s = await chain.latest_ts_s()
    if signed.valid_before <= ts_s:
        raise SignatureInvalid(f"it was valid before {signed.valid_before}, now it is {ts_s}")


def _authorization(
    domain: Domain, wanted: WantedDeposit, valid_before_ts_s: int, nonce: Digest
) -> DepositAuthorization:
    rollup = domain.contract
    return DepositAuthorization(wanted.holder, rollup, wanted.amount, valid_before_ts_s, nonce)


def _token_domain(domain: Domain, wanted: WantedDeposit, facts: AuthorizationFacts) -> TokenDomain:
    return TokenDomain(facts.name, facts.version, domain.chain_id, wanted.named.asset.token)
