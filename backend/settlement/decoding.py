"""Logs of our contracts as events."""

from collections.abc import Sequence
from typing import Final

from eth_abi.exceptions import DecodingError

from backend.protocol.errors import ChainUnavailable
from backend.protocol.hashing import Digest
from backend.protocol.money import AmountMinor
from backend.protocol.types import (
    AccountId,
    Address,
    Asset,
    AuthorisedRoot,
    DepositRecord,
    Epoch,
    ExitRequest,
)
from backend.settlement.abi import Decoded
from backend.settlement.chain import L1Log
from backend.settlement.client import ChainClient
from backend.settlement.deployment_file import Deployment
from backend.settlement.events import (
    AssetListed,
    AttestorDismissed,
    BatchPosted,
    BatchSettled,
    BondReleased,
    ChainEvent,
    ChallengeAnswered,
    ChallengeExpired,
    ChallengeOpened,
    DepositRefunded,
    DepositSeen,
    EpochBegun,
    Escaped,
    ExitRequested,
    ExitServed,
    OrdersAuthorised,
    PersonAttested,
    PersonRevoked,
    Place,
    RolledBack,
    RollupFrozen,
    WithdrawalAdvanced,
    WithdrawalClaimed,
)
from backend.settlement.rollup import Rollup

# In the order of IRollupState's FreezeReason.
_FREEZE_REASONS: Final = ("ExitUnserved", "DepositUnconsumed", "Silence", "RolledBackTwice")


class EventReader:
    """Asks for the logs of one deployment and reads them."""

    def __init__(self, client: ChainClient, deployment: Deployment) -> None:
        self._client = client
        self._rollup = Rollup(client, deployment)
        others = (
            deployment.kyc_registry,
            deployment.committee,
            deployment.core("Exits"),
            deployment.core("Challenges"),
        )
        self._addresses = [self._rollup.contract.address, *(other.address for other in others)]
        self._abi = self._rollup.contract.abi.joined(*(other.abi for other in others))

    async def in_range(self, first: int, last: int) -> list[ChainEvent]:
        """Return the events of blocks that no reorganisation will change, in order."""
        events = await self._events(await self._client.logs(self._addresses, first, last))
        return events or []

    async def in_block(self, block_hash: bytes) -> list[ChainEvent] | None:
        """Return the events of a block; None if it was reorganised away meanwhile.

        Raises RpcError if the node doesn't know the block.
        """
        return await self._events(await self._client.logs_of_block(self._addresses, block_hash))

    async def _events(self, logs: Sequence[L1Log]) -> list[ChainEvent] | None:
        events: list[ChainEvent] = []
        for log in logs:
            try:
                decoded = self._abi.decode_log(log.topics, log.data)
            except DecodingError as error:
                raise ChainUnavailable() from error  # our contracts write no such log
            if decoded is None:
                continue
            place = Place(log.block, log.tx_hash, log.log_index)
            if decoded.name == "BatchPosted":
                batch = await self._rollup.posted_by(log)
                if batch is None:
                    return None
                events.append(BatchPosted(place, batch))
                continue
            event = event_of(place, decoded)
            if event is not None:
                events.append(event)
        return events


def event_of(place: Place, decoded: Decoded) -> ChainEvent | None:
    """Return what a decoded log means; None for what nobody follows, and for BatchPosted, whose
    batch is in its transaction."""
    values = decoded.values
    match decoded.name:
        case "DepositQueued":
            record = DepositRecord(
                token=Address(values["token"]),
                asset_id=values["assetId"],
                owner=Address(values["owner"]),
                amount_minor=AmountMinor(values["amountMinor"]),
                l1_ts_s=values["tsS"],
            )
            return DepositSeen(place, values["index"], record)
        case "AssetListed":
            asset = Asset(
                asset_id=values["assetId"],
                token=Address(values["token"]),
                unit=values["unit"],
                fee_owner=Address(values["feeOwner"]),
            )
            return AssetListed(place, asset)
        case "BatchSettled":
            return BatchSettled(place, values["number"])
        case "WithdrawalClaimed":
            return WithdrawalClaimed(
                place,
                owner=Address(values["owner"]),
                asset_id=values["assetId"],
                token=Address(values["token"]),
                nonce=values["nonce"],
                amount=values["amount"],
                batch_number=values["batchNumber"],
                slot_number=values["slotNumber"],
                key=values["key"],
            )
        case "AttestationRecorded":
            return PersonAttested(
                place,
                person=Address(values["person"]),
                attestor=Address(values["attestor"]),
                level=values["level"],
                expiry_ts_s=values["expiry"],
                issued_ts_s=values["issued"],
            )
        case "OrdersAuthorised":
            root = AuthorisedRoot(Address(values["owner"]), Digest(values["root"]))
            return OrdersAuthorised(place, values["index"], root)
        case "EpochBegun":
            members = tuple(map(Address, values["members"]))
            return EpochBegun(place, Epoch(values["epoch"], members))
        case "RolledBack":
            return RolledBack(place, values["number"])
        case "AttestorDismissed":
            return AttestorDismissed(place, Address(values["attestor"]))
        case "PersonRevoked":
            person, attestor = Address(values["person"]), Address(values["attestor"])
            return PersonRevoked(place, person, attestor, values["revokedAt"])
    return _leaving_event(place, decoded) or _challenge_event(place, decoded)


def _leaving_event(place: Place, decoded: Decoded) -> ChainEvent | None:
    values = decoded.values
    match decoded.name:
        case "ExitRequested":
            request = ExitRequest(AccountId(values["accountId"]), Address(values["owner"]))
            return ExitRequested(place, values["index"], request)
        case "ExitServed":
            account_id, owner = AccountId(values["accountId"]), Address(values["owner"])
            return ExitServed(place, account_id, owner, values["batchNumber"])
        case "Advanced":
            owner, provider = Address(values["owner"]), Address(values["provider"])
            return WithdrawalAdvanced(place, values["key"], owner, provider)
        case "Frozen":
            return RollupFrozen(place, _FREEZE_REASONS[values["reason"]], values["frozenTsS"])
        case "Escaped":
            return Escaped(place, AccountId(values["accountId"]), Address(values["owner"]))
        case "DepositRefunded":
            return DepositRefunded(place, values["index"])
    return None


def _challenge_event(place: Place, decoded: Decoded) -> ChainEvent | None:
    values = decoded.values
    match decoded.name:
        case "ChallengeOpened":
            return ChallengeOpened(
                place,
                batch_number=values["batchNumber"],
                header_hash=values["headerHash"],
                slot_number=values["slotNumber"],
                positions=values["positions"],
                challenger=Address(values["challenger"]),
                deadline_ts_s=values["deadlineTsS"],
            )
        case "ChallengeAnswered" if not values["openPositions"]:
            return ChallengeAnswered(place, values["headerHash"], values["slotNumber"])
        case "ChallengeExpired":
            return ChallengeExpired(place, values["headerHash"], values["slotNumber"])
        case "BondReleased":
            return BondReleased(place, values["headerHash"], values["slotNumber"])
    return None
