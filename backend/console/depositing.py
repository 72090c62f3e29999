"""Brings money from a wallet into the ledger.

Law: what the platform prepared is compared with what was asked for before it is signed.
"""

import asyncio
from itertools import islice
from typing import Any, Final

from eth_abi.abi import decode

from backend.console.errors import PreparedWrong
from backend.console.people import Person
from backend.console.posting import WAIT_S_LOCAL, WAIT_S_PUBLIC, Say, wait_for
from backend.console.prepared import check_sequence
from backend.console.wallets import Wallets, sign_typed_data
from backend.protocol.errors import AssetUnknown
from backend.protocol.money import format_decimal, to_base
from backend.protocol.signing import PrivateKey
from backend.protocol.types import address_from_text
from backend.settlement.chain import Contract
from backend.settlement.client import ChainClient
from backend.settlement.deployment_file import Deployment
from causeway import Asset, Client, Deposit
from causeway.models import PreparedDeposit

_NEWEST: Final = 100
_PERMIT_LIFE_S: Final = 3600


class Depositor:
    """Deposits for people whose keys are here. `minter` may make test tokens on local chains."""

    def __init__(
        self,
        client: Client,
        chain: ChainClient,
        deployment: Deployment,
        minter: PrivateKey,
        runner: asyncio.Runner,
        say: Say,
    ) -> None:
        self._client, self._chain, self._deployment = client, chain, deployment
        self._minter, self._runner, self._say = minter, runner, say
        self._wallets = Wallets(chain, deployment)

    def deposit(self, person: Person, asset: Asset, amount: int) -> Deposit:
        """Deposit `amount` minor units, and wait until they are credited. Not idempotent.

        Raises NoKey, AssetUnknown, PreparedWrong, TransactionFailed, StillWaiting, or what the
        API refuses with.
        """
        key = person.key
        if all(asset.code != token.symbol for token in self._deployment.tokens):
            raise AssetUnknown(asset.code)
        # Asked before anything is given: an unchecked person's deposit ends here.
        prepared = self._prepare(person, asset, amount, None)
        if asset.level_needed and self._wallets.is_local:
            self._record(person, prepared)
        self.give(person, asset, amount)
        if prepared.permit is not None:
            permit = self._permit(prepared.permit, person, asset, amount)
            prepared = self._prepare(person, asset, amount, permit)
        tx_hash = ""
        check_sequence(prepared.transactions, self._deployment.token(asset.code).address)
        for transaction in prepared.transactions:
            self._say(f"sending the {transaction['purpose']}")
            contract, data = self._checked(transaction, person, asset, amount)
            sent = self._wallets.send(key, contract, data, transaction["purpose"])
            tx_hash = "0x" + self._runner.run(sent).tx_hash.hex()
        return self.credited(person, tx_hash)

    def _prepare(
        self, person: Person, asset: Asset, amount: int, permit: dict[str, str] | None
    ) -> PreparedDeposit:
        return self._client.deposits.prepare(
            owner=person.address, asset=asset.code, amount=amount, permit=permit
        )

    def _record(self, person: Person, prepared: PreparedDeposit) -> None:
        """Have the chain know that somebody was checked: else a regulated token can't be given."""
        types = ["(address,uint8,uint64,uint64)", "bytes"]
        evidence = bytes.fromhex(prepared.raw["evidence"][2:])
        (_, level, expiry_ts_s, issued_ts_s), signature = decode(types, evidence)
        attestation = (person.address, level, expiry_ts_s, issued_ts_s)
        self._runner.run(self._wallets.give_gas_money(person.address))
        recording = self._wallets.record_attestation(person.key, attestation, signature)
        if self._runner.run(recording):
            self._say(f"recorded on the chain that {person} was checked")

    def give(self, person: Person, asset: Asset, amount: int) -> None:
        """Give what a local chain's wallet lacks of `amount` minor units and gas, and say so."""
        if self._runner.run(self._wallets.give_gas_money(person.address)):
            self._say(f"gave {person} money for gas, since the chain is a local one")
        base = to_base(amount, asset.unit)
        giving = self._wallets.give_tokens(self._minter, asset.code, person.address, base)
        given = self._runner.run(giving)
        if given:
            shown = format_decimal(given, asset.decimals)
            self._say(f"gave {person} {shown} {asset.code} of test money")

    def _permit(
        self, typed_data: dict[str, Any], person: Person, asset: Asset, amount: int
    ) -> dict[str, str]:
        """Sign the permit if it lets the rollup take the deposit, and no more than that."""
        domain, message = typed_data["domain"], typed_data["message"]
        token = self._deployment.token(asset.code)
        is_as_asked = (
            typed_data["primaryType"] == "Permit"
            and int(domain["chainId"]) == self._deployment.chain_id
            and address_from_text(domain["verifyingContract"]) == token.address
            and address_from_text(message["spender"]) == self._deployment.address("Rollup")
            and int(message["value"]) == to_base(amount, asset.unit)
        )
        if not is_as_asked:
            raise PreparedWrong("the permit")
        # The chain's clock counts, and a local one may be ahead of ours.
        deadline = self._runner.run(self._chain.latest()).ts_s + _PERMIT_LIFE_S
        message["deadline"] = str(max(int(message["deadline"]), deadline))
        signature = sign_typed_data(person.key, typed_data)
        return {"deadline": message["deadline"], "signature": "0x" + signature.hex()}

    def _checked(
        self, transaction: dict[str, Any], person: Person, asset: Asset, amount: int
    ) -> tuple[Contract, bytes]:
        """Return a prepared transaction if it does what was asked for. Raises PreparedWrong."""
        rollup, token = self._deployment.rollup, self._deployment.token(asset.code)
        to, data = address_from_text(transaction["to"]), bytes.fromhex(transaction["data"][2:])
        base = to_base(amount, asset.unit)
        if to == token.address and data == token.abi.call_data("approve", rollup.address, base):
            return token, data
        # What follows the three is evidence and permit: the rollup checks both.
        words = (asset.asset_id, int.from_bytes(person.address), base)
        if to == rollup.address and data[4:100] == b"".join(w.to_bytes(32) for w in words):
            return rollup, data
        raise PreparedWrong(f"the {transaction['purpose']}")

    def credited(self, person: Person, tx_hash: str) -> Deposit:
        """Return the deposit that a transaction made, when it is credited. Raises StillWaiting."""
        said = ""

        def look() -> Deposit | None:
            nonlocal said
            newest = islice(self._client.deposits.list(owner=person.address), _NEWEST)
            found = next((one for one in newest if one.tx_hash == tx_hash), None)
            status = "mined" if found is None else found.status
            if status != said:
                said = status
                self._say(f"the deposit is {status}")
            return found if status == "credited" else None

        seconds = WAIT_S_LOCAL if self._wallets.is_local else WAIT_S_PUBLIC
        return wait_for("the deposit to be credited", look, seconds)
