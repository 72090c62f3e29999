"""What people do with the platform, for the command line and the console alike.

Amounts come and go as decimal text; in between they are whole minor units. Law: what a key of
ours signs is compared with what was asked for, first.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from backend.api_key import read_api_key
from backend.config import Settings
from backend.console.amounts import amount_minor, amount_text, fee_max_minor, readable
from backend.console.depositing import Depositor
from backend.console.errors import (
    NoApiKey,
    NotAnApplicant,
    NotApproved,
    OrderRejected,
    PreparedWrong,
)
from backend.console.people import People, Person, Who
from backend.console.posting import WAIT_S_LOCAL, WAIT_S_PUBLIC, Poster, Say, Waiting, wait_for
from backend.console.wallets import Wallets
from backend.deploying import find_deployment, key_store, platform_keys
from backend.protocol.money import format_decimal
from backend.protocol.proposals import Call
from backend.protocol.types import Address, address_from_text, address_text
from backend.settlement.artifacts import artifact
from backend.settlement.chain import Contract
from backend.settlement.client import ChainClient
from backend.settlement.deployment_file import Deployment
from backend.settlement.dry_run import DryRun, dry_run
from backend.settlement.treasury import known_abi
from causeway import (
    Account,
    Applicant,
    Asset,
    Batch,
    Client,
    Deposit,
    Payment,
    Withdrawal,
)
from causeway.signing import Domain

PEOPLE_FOLDER: Final = "people"


@dataclass(frozen=True, slots=True)
class Balance:
    """Somebody's money of one asset; `account` is None before the first credit."""

    asset: Asset
    account: Account | None
    wallet_base: int

    @property
    def ledger_text(self) -> str:
        return amount_text(self.asset, 0 if self.account is None else self.account.balance)

    @property
    def wallet_text(self) -> str:
        return format_decimal(self.wallet_base, self.asset.decimals)


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment, and how long it took to be final."""

    payment: Payment
    ms: int


class Actions:
    """A connection to the platform and its chain, and people's keys."""

    def __init__(
        self,
        settings: Settings,
        deployment: Deployment,
        client: Client,
        chain: ChainClient,
        runner: asyncio.Runner,
        people: People,
        say: Say,
    ) -> None:
        self.settings, self.deployment = settings, deployment
        self.client, self.people = client, people
        self._say, self._runner = say, runner
        self._wallets = Wallets(chain, deployment)
        minter = platform_keys(settings, deployment.chain_id).deployer
        self._depositor = Depositor(client, chain, deployment, minter, runner, say)
        self.wait_s = WAIT_S_LOCAL if self._wallets.is_local else WAIT_S_PUBLIC
        self._chain = chain
        self._poster = Poster(
            client,
            chain,
            runner,
            say,
            challenge_window_s=deployment.parameters.challenge_window_s,
            is_local=self._wallets.is_local,
        )

    def asset(self, name: str) -> Asset:
        """Return an asset by its code: the deployment's, or else one that the API knows."""
        known = self.client.trust.assets
        found = known.get(name) or known.get(name.upper())
        return found or self.client.trust.accept_asset(self.client.assets.get(name))

    # Wallets

    def l1_ts_s(self) -> int:
        """Return L1 time: that of the newest block."""
        return self._runner.run(self._chain.latest()).ts_s

    def base_fee_wei(self) -> int:
        """Return what the newest block of L1 asks for a unit of gas."""
        return self._runner.run(self._chain.latest()).base_fee_wei

    def read(self, contract: Contract, function: str, *arguments: Any) -> Any:
        """Return what the chain itself answers, whatever the platform says."""
        return self._runner.run(self._chain.read(contract, function, *arguments))

    def dry_run(self, sender: Address, calls: Sequence[Call]) -> DryRun:
        """Return what calls of `sender` would do on the chain as it is now. Nothing is sent."""
        return self._runner.run(dry_run(self._chain, sender, calls, known_abi()))

    def fill_wallet(self, person: Person, asset: Asset, amount: int) -> None:
        """Give a local chain's wallet what it lacks: gas money, and `amount` minor units."""
        self._depositor.give(person, asset, amount)

    def send(
        self, person: Person, contract: Contract, data: bytes, what: str, value_wei: int = 0
    ) -> str:
        """Send a transaction that was checked, and return its hash when it is mined.

        `value_wei` of the chain's own money go with it. Not idempotent.
        """
        self._say(f"sending the {what}")
        sending = self._wallets.send(person.key, contract, data, what, value_wei)
        receipt = self._runner.run(sending)
        return "0x" + receipt.tx_hash.hex()

    def credited(self, person: Person, tx_hash: str) -> Deposit:
        """Return the deposit of a transaction when it is credited to somebody."""
        return self._depositor.credited(person, tx_hash)

    # Customer checks

    def apply_for_kyc(self, who: Who, details: dict[str, str] | None = None) -> Applicant:
        """Have somebody checked. Whoever is approved or pending already stays so."""
        person = self.people.find(who)
        newest = self._applicant(person)
        if newest is not None and newest.status in ("approved", "pending"):
            self._say(f"{person} is {newest.status} already")
            return newest
        return self.client.applicants.create(
            external_id=str(person), person=person.address, details=details
        )

    def applicant(self, who: Who) -> Applicant:
        """Return somebody's newest check. Raises NotAnApplicant."""
        person = self.people.find(who)
        found = self._applicant(person)
        if found is None:
            raise NotAnApplicant(str(person))
        return self.client.applicants.get(found.id)

    def revoke_kyc(self, who: Who) -> Applicant:
        """Revoke somebody's approval, here and on the chain."""
        return self.client.applicants.revoke(self.applicant(who).id)

    def _applicant(self, person: Person) -> Applicant | None:
        shown = address_text(person.address)
        found = [one for one in self.client.applicants.list() if one.person == shown]
        return max(found, key=lambda one: str(one.raw["created_at"]), default=None)

    def record_attestation(self, who: Who, sender: Who | None = None) -> Applicant:
        """Put somebody's approval on the chain, so that he can be paid in regulated assets without
        a deposit of his own. Anyone may send it, by default he does. A repeat changes nothing.

        Raises NotAnApplicant, NotApproved, and what sending raises.
        """
        applicant = self.applicant(who)
        shown = applicant.attestation
        if shown is None:
            raise NotApproved(str(self.people.find(who)), applicant.status)
        person = address_from_text(shown["person"])
        sending = self.people.find(who if sender is None else sender)
        self._give_gas_money(sending)
        attestation = (person, int(shown["level"]), int(shown["expiry"]), int(shown["issued"]))
        signature = bytes.fromhex(shown["signature"][2:])
        recording = self._wallets.record_attestation(sending.key, attestation, signature)
        is_news = self._runner.run(recording)
        told = "it counts in the ledger once its block is confirmed"
        self._say(told if is_news else "the chain knows it already")
        return applicant

    # Money in

    def deposit(self, who: Who, text: str, asset_name: str) -> Deposit:
        """Deposit from somebody's wallet and wait until it is credited.

        A local chain gives him gas money and test tokens first. Not idempotent.
        """
        asset = self.asset(asset_name)
        return self._depositor.deposit(self.people.find(who), asset, amount_minor(asset, text))

    # Payments

    def pay(
        self,
        payer: Who,
        payee: Who,
        text: str,
        asset_name: str,
        *,
        memo: str | None = None,
        fee_max: str | None = None,
    ) -> Paid:
        """Pay, and wait until it is final. Raises OrderRejected, or what the API refuses with."""
        person, to = self.people.find(payer), self.people.find(payee)
        asset = self.asset(asset_name)
        key, amount = person.order_key, amount_minor(asset, text)
        started = time.perf_counter_ns()
        with readable(person, asset):
            payment = self.client.payments.create(
                key=key,
                payee=to.address,
                asset=asset.code,
                amount=amount,
                fee_max=fee_max_minor(asset, fee_max),
                memo=memo,
                wait_final=True,
            )
        final = self._final(payment)
        return Paid(final, (time.perf_counter_ns() - started) // 1_000_000)

    def _final(self, payment: Payment) -> Payment:
        def look() -> Payment | None:
            found = self.client.payments.get(payment.id)
            return None if found.status == "accepted" else found

        is_open = payment.status == "accepted"
        found = wait_for("the payment to be final", look, self.wait_s) if is_open else payment
        if found.status == "rejected":
            raise OrderRejected(found.code, found.id)
        return found

    # Money out

    def withdraw(
        self, who: Who, text: str, asset_name: str, *, fee_max: str | None = None
    ) -> Withdrawal:
        """Take money out of the ledger; it can be claimed once it is settled."""
        person, asset = self.people.find(who), self.asset(asset_name)
        with readable(person, asset):
            made = self.client.withdrawals.create(
                key=person.order_key,
                asset=asset.code,
                amount=amount_minor(asset, text),
                fee_max=fee_max_minor(asset, fee_max),
                wait_final=True,
            )
        if made.status == "rejected":
            raise OrderRejected(made.code, made.id)
        return made

    def claim(self, withdrawal_id: str, sender: Who | None = None) -> Withdrawal:
        """Send the claim of a settled withdrawal and wait until the chain's answer is known.

        It pays the withdrawal's owner, whoever sends it; by default that is he himself. A repeat
        is refused and changes nothing.
        """
        claim = self.client.withdrawals.claim(withdrawal_id)
        owner = self.client.withdrawals.get(withdrawal_id).payer
        person = self.people.find(owner or "" if sender is None else sender)
        rollup = self.deployment.rollup
        if address_from_text(claim.transaction["to"]) != rollup.address:
            raise PreparedWrong("the claim")
        key = person.key
        self._give_gas_money(person)
        data = bytes.fromhex(claim.transaction["data"][2:])
        self._say("sending the claim with its Merkle proof")
        self._runner.run(self._wallets.send(key, rollup, data, "claim"))

        def look() -> Withdrawal | None:
            found = self.client.withdrawals.get(withdrawal_id)
            return found if found.status == "claimed" else None

        return wait_for("the claim to be known", look, self.wait_s)

    def _give_gas_money(self, person: Person) -> None:
        if self._runner.run(self._wallets.give_gas_money(person.address)):
            self._say(f"gave {person} money for gas, since the chain is a local one")

    # Batches

    def post(self, carrier: str | None = None) -> Waiting:
        """Have all posted that is final by now; return how much that is."""
        return self._poster.post(carrier)

    def settle(self, carrier: str | None = None) -> list[Batch]:
        """Have all posted, and wait until it is settled (see Poster.settle)."""
        return self._poster.settle(carrier)

    # Looking

    def balances(self, who: Who) -> list[Balance]:
        """Return somebody's money of each asset, in the ledger and in his wallet."""
        person = self.people.find(who)
        accounts = {one.asset: one for one in self.client.accounts.list(owner=person.address)}
        balances = []
        for asset in self.client.assets.list():
            token = Contract(address_from_text(asset.token), artifact("Stablecoin").abi)
            wallet = self._runner.run(self._wallets.balance(token, person.address))
            balances.append(Balance(asset, accounts.get(asset.code), wallet))
        return balances


@contextmanager
def open_actions(
    settings: Settings, say: Say = lambda _: None, guest: Person | None = None
) -> Iterator[Actions]:
    """Connect to the platform of the settings; `guest` has a key from elsewhere.

    Raises NoApiKey, NotDeployed or ChainUnavailable.
    """
    api_key = read_api_key(settings)
    if not api_key:
        raise NoApiKey()
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        chain = ChainClient(settings.rpc_url)
        stack.callback(lambda: runner.run(chain.close()))
        deployment = runner.run(find_deployment(settings, chain))
        domain = Domain(deployment.chain_id, deployment.address("Rollup"))
        client = Client(settings.api_url, api_key, domain=domain, assets=_assets(deployment))
        stack.enter_context(client)
        people = People(key_store(settings, PEOPLE_FOLDER), guest)
        yield Actions(settings, deployment, client, chain, runner, people, say)


def _assets(deployment: Deployment) -> dict[str, Asset]:
    """Return the listed tokens as the deployment's file knows them: nobody else is asked."""
    takes_fee = deployment.roles.fee_owner is not None
    return {
        token.symbol: Asset(
            {},
            token.asset_id,
            token.symbol,
            address_text(token.address),
            token.decimals,
            token.unit,
            takes_fee,
            token.level_needed,
        )
        for token in deployment.tokens
    }
