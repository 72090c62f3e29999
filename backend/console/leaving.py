"""Exits and instant exits, for the command line and the console alike.

Law: what a key of ours sends is compared with what was asked for, first.
"""

from typing import Final

from backend.console.actions import Actions
from backend.console.amounts import amount_text, fee_max_minor
from backend.console.errors import PreparedWrong
from backend.console.people import Person, Who
from backend.console.posting import wait_for
from backend.console.prepared import check_sequence
from backend.protocol.money import to_base
from backend.protocol.types import address_from_text
from backend.settlement.bounties import bounty_wei
from backend.settlement.chain import Contract
from causeway import Asset, Exit, PreparedAdvance, PreparedExit, Withdrawal

# The platform doubles what L1 asks for, and the base fee may have fallen since.
_BOUNTY_FACTOR_MAX: Final = 4


class LeavingActions:
    """What people do to leave, with the keys of those who are here."""

    def __init__(self, actions: Actions) -> None:
        self._actions = actions
        self._client = actions.client

    @property
    def _contract(self) -> Contract:
        return self._actions.deployment.core("Exits")

    # Exits

    def request(self, who: Who, asset_name: str) -> Exit:
        """Ask the chain for all money of somebody's account, and wait until that is known.

        Takes a bounty along. Raises PreparedWrong, what sending raises. Not idempotent, but L1
        takes no second request while the first is under way.
        """
        person, asset = self._actions.people.find(who), self._actions.asset(asset_name)
        prepared = self._client.exits.prepare(owner=person.address, asset=asset.code)
        data = self._checked_exit(person, asset, prepared)
        self._actions.fill_wallet(person, asset, 0)
        tx_hash = self._actions.send(
            person, self._contract, data, "exit request", prepared.bounty_wei
        )

        def look() -> Exit | None:
            found = self._client.exits.list(owner=person.address)
            return next((one for one in found if one.raw["tx_hash"] == tx_hash), None)

        return wait_for("the exit to be known", look, self._actions.wait_s)

    def _checked_exit(self, person: Person, asset: Asset, prepared: PreparedExit) -> bytes:
        transaction = prepared.transaction
        data = bytes.fromhex(transaction["data"][2:])
        call = self._contract.abi.decode_call(data)
        floor_wei = self._actions.deployment.parameters.gas_price_floor_wei
        least_wei = bounty_wei(self._actions.base_fee_wei(), floor_wei)
        is_as_asked = (
            address_from_text(transaction["to"]) == self._contract.address
            and call is not None
            and call.name == "requestExit"
            and call.values["account"]["owner"] == person.address
            and call.values["account"]["assetId"] == asset.asset_id
            and prepared.bounty_wei <= least_wei * _BOUNTY_FACTOR_MAX
        )
        if not is_as_asked:
            raise PreparedWrong("the exit request")
        return data

    def exits(self, who: Who) -> list[Exit]:
        """Return somebody's exits, the newest first, each with its deadline."""
        owner = self._actions.people.find(who).address
        return [self._client.exits.get(one.id) for one in self._client.exits.list(owner=owner)]

    # Instant exits

    def advance(self, withdrawal_id: str, provider: Who, fee_text: str) -> Withdrawal:
        """Have a provider pay a withdrawal less his fee at once, and wait until that is known.

        Owner and provider have keys here; a local chain gives the provider what he lacks. Raises
        PreparedWrong, what the API refuses with, what sending raises.
        """
        found = self._client.withdrawals.get(withdrawal_id)
        asset = self._actions.asset(found.asset or "")
        people = self._actions.people
        owner, payer = people.find(found.payer or ""), people.find(provider)
        fee = fee_max_minor(asset, fee_text) or 0
        prepared = self._client.withdrawals.advance(
            withdrawal_id, key=owner.order_key, provider=payer.address, fee=fee
        )
        calls = self._checked_advance(found, asset, fee, prepared)
        self._actions.fill_wallet(payer, asset, found.amount - fee)
        for contract, data, what in calls:
            self._actions.send(payer, contract, data, what)

        def look() -> Withdrawal | None:
            now = self._client.withdrawals.get(withdrawal_id)
            return now if now.advance is not None else None

        return wait_for("the advance to be known", look, self._actions.wait_s)

    def _checked_advance(
        self, withdrawal: Withdrawal, asset: Asset, fee: int, prepared: PreparedAdvance
    ) -> list[tuple[Contract, bytes, str]]:
        token = self._actions.deployment.token(asset.code)
        check_sequence(prepared.transactions, token.address)
        paid = to_base(withdrawal.amount - fee, asset.unit)
        approval = token.abi.call_data("approve", self._contract.address, paid)
        wanted = {
            "owner": address_from_text(withdrawal.payer or ""),
            "nonce": int(withdrawal.raw["nonce"]),
            "asset": token.address,
            "amount": to_base(withdrawal.amount, asset.unit),
            "fee": to_base(fee, asset.unit),
        }
        calls = []
        for transaction in prepared.transactions:
            to, data = address_from_text(transaction["to"]), bytes.fromhex(transaction["data"][2:])
            call = self._contract.abi.decode_call(data)
            if to == token.address and data == approval:
                calls.append((token, data, "approval"))
            elif (
                to == self._contract.address
                and call is not None
                and call.name == "advance"
                and wanted.items() <= call.values["order"].items()
            ):
                calls.append((self._contract, data, "advance"))
            else:
                raise PreparedWrong(f"the {transaction['purpose']}")
        return calls

    def shown(self, withdrawal: Withdrawal) -> str:
        """Return an advanced withdrawal as a sentence."""
        asset = self._actions.asset(withdrawal.asset or "")
        provider = self._actions.people.name((withdrawal.advance or {})["provider"])
        amount = amount_text(asset, withdrawal.amount)
        return (
            f"withdrawal of {amount} {asset.code}: paid by {provider}, who claims it "
            "when it is settled"
        )
