// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChallenges} from "../interfaces/IChallenges.sol";
import {ICommittee} from "../interfaces/ICommittee.sol";
import {IDisputes} from "../interfaces/IDisputes.sol";
import {IExits} from "../interfaces/IExits.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {IRollupState} from "../interfaces/IRollupState.sol";
import {Batches} from "../libraries/Batches.sol";
import {Blobs} from "../libraries/Blobs.sol";
import {Chunks} from "../libraries/Chunks.sol";
import {L1Blocks} from "../libraries/L1Blocks.sol";
import {Operations} from "../libraries/Operations.sol";
import {StateTree} from "../libraries/StateTree.sol";
import {VaultRecords} from "../libraries/VaultRecords.sol";
import {Deposits} from "./Deposits.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title BatchChain: the half of the rollup that takes batches, and takes them back
/// @notice A quorum of the committee may add a batch; a proof of fraud removes it; a deadline that
/// the committee missed ends all of it.
abstract contract BatchChain is EIP712, Deposits {
    using Batches for BatchHeader;

    uint256 private constant CALLDATA_CHUNKS_MAX = 120;
    uint256 private constant BATCH_CHUNKS_MAX = 768;
    uint64 private constant TIMESTAMP_LEAD_S = 15 minutes;

    /// @inheritdoc IRollupState
    ICommittee public immutable committee;
    /// @inheritdoc IRollupState
    IExits public immutable exits;
    /// @inheritdoc IRollupState
    IDisputes public immutable disputes;
    /// @inheritdoc IRollupState
    IChallenges public immutable challenges;
    /// @inheritdoc IRollupState
    uint64 public immutable challengeWindow;
    /// @inheritdoc IRollupState
    uint64 public immutable answerWindow;
    /// @inheritdoc IRollupState
    uint64 public immutable exitDeadline;
    /// @inheritdoc IRollupState
    uint64 public immutable depositTimeout;
    /// @inheritdoc IRollupState
    uint64 public immutable silenceDeadline;
    /// @inheritdoc IRollupState
    uint64 public immutable timestampLag;
    /// @inheritdoc IRollupState
    uint256 public immutable gasPriceFloor;
    /// @inheritdoc IRollupState
    bytes32 public immutable genesisRoot;
    uint64 private immutable _createdTsS;

    // These share a slot with the last ones of Deposits, which is why it is the last base: a
    // submission reads and writes the slot once.
    /// @inheritdoc IRollupState
    uint64 public tip;
    /// @inheritdoc IRollupState
    uint64 public frontier;

    /// @inheritdoc IRollupState
    uint64 public authorisedRootCount;
    /// @inheritdoc IRollupState
    uint64 public rolledBackTsS;
    /// @dev Whether no batch accepted after the last roll-back has settled yet.
    bool private _isRecovering;

    /// @inheritdoc IRollupState
    mapping(uint64 number => bytes32) public batchSlot;

    constructor(Parts memory parts, Windows memory windows)
        EIP712("Causeway", "1")
        Deposits(parts.gate, parts.lister)
    {
        uint64 minimum = windows.challengeWindow + windows.answerWindow + windows.silenceDeadline;
        if (windows.timestampLag < minimum) {
            revert TimestampLagTooShort(minimum, windows.timestampLag);
        }
        committee = parts.committee;
        exits = parts.exits;
        disputes = parts.disputes;
        challenges = parts.challenges;
        challengeWindow = windows.challengeWindow;
        answerWindow = windows.answerWindow;
        exitDeadline = windows.exitDeadline;
        depositTimeout = windows.depositTimeout;
        silenceDeadline = windows.silenceDeadline;
        timestampLag = windows.timestampLag;
        gasPriceFloor = windows.gasPriceFloor;
        genesisRoot = StateTree.genesisRoot();
        _createdTsS = uint64(block.timestamp);
    }

    /// @dev Then the calldata is the transaction's own, where everybody can find it. Code is
    /// refused too: an account that delegates to a contract (EIP-7702) can be called on the way.
    modifier onlyPlainSender() {
        if (msg.sender != tx.origin) revert SenderNotOrigin(tx.origin, msg.sender);
        if (msg.sender.code.length != 0) revert SenderHasCode(msg.sender);
        _;
    }

    /* SUBMISSIONS */

    /// @inheritdoc IRollup
    function submitBatchCalldata(
        BatchHeader calldata header,
        AcceptedBatch calldata parent,
        bytes calldata signatures,
        bytes calldata chunks
    ) external onlyPlainSender {
        if (chunks.length % Operations.CHUNK_SIZE_BYTES != 0) {
            revert ChunkBytesInvalid(Operations.CHUNK_SIZE_BYTES, chunks.length);
        }
        _requireChunkCount(chunks.length / Operations.CHUNK_SIZE_BYTES, CALLDATA_CHUNKS_MAX);
        (bytes32 dataHash, bytes32[] memory chunkHashes) = Chunks.hashes(chunks);
        header.requireData(dataHash, chunkHashes);

        _accept(header, parent, signatures);
    }

    /// @inheritdoc IRollup
    function submitBatchBlobs(
        BatchHeader calldata header,
        AcceptedBatch calldata parent,
        bytes calldata signatures,
        bytes32[] calldata chunkHashes
    ) external onlyPlainSender {
        _requireChunkCount(chunkHashes.length, BATCH_CHUNKS_MAX);
        uint256 blobCount = Blobs.countFor(chunkHashes.length);
        (bytes32 dataHash, uint256 present) = Blobs.dataHash(blobCount);
        if (present < blobCount) revert BlobMissing(present);
        header.requireData(dataHash, chunkHashes);

        _accept(header, parent, signatures);
    }

    /* SETTLING AND ROLLING BACK */

    /// @inheritdoc IRollup
    function settle(AcceptedBatch[] calldata batches) external {
        for (uint256 i = 0; i < batches.length; ++i) {
            uint64 expected = frontier + 1;
            uint64 number = batches[i].header.number;
            if (number != expected) revert BatchOutOfOrder(expected, number);

            _settle(batches[i], _requireStanding(batches[i]));
        }
    }

    /// @inheritdoc IRollup
    function rollBack(AcceptedBatch calldata batch, address prover) external {
        if (msg.sender != address(disputes) && msg.sender != address(challenges)) {
            revert SenderNotJudge(msg.sender);
        }
        bytes32 hash = requireDisputable(batch);

        uint64 number = batch.header.number;
        tip = number - 1;
        rolledBackTsS = uint64(block.timestamp);
        emit RolledBack(number, hash, prover);
        // The second time before anything new has settled: who rules the committee delays for ever.
        if (_isRecovering && frozenTsS == 0) _freeze(FreezeReason.RolledBackTwice);
        _isRecovering = true;

        committee.punish(batch.header.epoch, batch.signers, number, prover);
    }

    /* FREEZE */

    /// @inheritdoc IRollup
    function freezeForExit(AcceptedBatch calldata batch, LeafProof calldata account) external {
        uint256 sinceTsS = exits.waitingSince(account.accountId, account.owner);
        if (sinceTsS == 0) revert ExitNotWaiting(account.accountId, account.owner);
        uint256 deadlineTsS = sinceTsS + exitDeadline;
        _requirePast(deadlineTsS);
        _requireLate(batch, deadlineTsS);
        StateTree.requireLeaf(account, batch.header.postRoot);
        if (account.balanceMinor == 0) revert ExitNotWaiting(account.accountId, account.owner);

        _freeze(FreezeReason.ExitUnserved);
    }

    /// @inheritdoc IRollup
    function freezeForDeposit(
        AcceptedBatch calldata batch,
        uint64 index,
        DepositRecord calldata record
    ) external {
        _requireDeposit(index, record);
        uint256 deadlineTsS = Math.max(record.tsS, rolledBackTsS) + depositTimeout;
        _requirePast(deadlineTsS);
        if (tip != 0) {
            _requireLate(batch, deadlineTsS);
            uint64 cursor = batch.header.depositCursor;
            if (index < cursor) revert DepositConsumed(cursor, index);
        }

        _freeze(FreezeReason.DepositUnconsumed);
    }

    /// @inheritdoc IRollup
    function freezeForSilence(AcceptedBatch calldata last) external {
        uint256 sinceTsS = _createdTsS;
        if (tip != 0) {
            _requireAcceptedAs(tip, last);
            sinceTsS = last.acceptedTsS;
        }
        _requirePast(Math.max(sinceTsS, rolledBackTsS) + silenceDeadline);

        _freeze(FreezeReason.Silence);
    }

    /* VIEWS */

    /// @inheritdoc IRollup
    function requireStanding(AcceptedBatch calldata batch) external view returns (bytes32 slot) {
        _requireStanding(batch);
        return batchSlot[batch.header.number];
    }

    /// @inheritdoc IRollup
    function requireDisputable(AcceptedBatch calldata batch) public view returns (bytes32 hash) {
        hash = _requireStanding(batch);
        if (batch.header.number <= frontier) revert BatchSettledAlready(batch.header.number);
    }

    /// @inheritdoc IRollup
    function headerHash(BatchHeader calldata header) public view returns (bytes32) {
        return _hashTypedDataV4(header.structHash());
    }

    /// @inheritdoc IRollupState
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /* INTERNAL: ACCEPTING */

    function _requireChunkCount(uint256 count, uint256 countMax) private pure {
        if (count == 0 || count > countMax) revert ChunkCountOutOfRange(1, countMax, count);
    }

    function _accept(
        BatchHeader calldata header,
        AcceptedBatch calldata parent,
        bytes calldata signatures
    ) private {
        _requireNotFrozen();
        uint64 number = tip + 1;
        if (header.number != number) revert BatchOutOfOrder(number, header.number);
        uint32 epoch = committee.epoch();
        if (header.epoch != epoch) revert EpochMismatch(epoch, header.epoch);
        _requireFollows(header, parent);
        _requirePin(header);
        bytes32 hash = headerHash(header);
        uint256 signers = committee.requireQuorum(epoch, hash, signatures);

        uint64 acceptedTsS = uint64(block.timestamp);
        tip = number;
        batchSlot[number] = Batches.slot(hash, acceptedTsS, signers);
        emit BatchPosted(number, hash, header.postRoot, acceptedTsS, signers);
    }

    /// @dev The header goes on from the last accepted one.
    function _requireFollows(BatchHeader calldata header, AcceptedBatch calldata parent)
        private
        view
    {
        // Genesis has no header: its hash is 0, its root known, all else 0.
        // slither-disable-next-line uninitialized-local: genesis is all zero
        BatchHeader memory last;
        bytes32 lastHash = bytes32(0);
        if (tip == 0) {
            last.postRoot = genesisRoot;
        } else {
            last = parent.header;
            lastHash = _requireAcceptedAs(tip, parent);
        }

        if (header.parentHash != lastHash) revert ParentHashMismatch(lastHash, header.parentHash);
        if (header.preRoot != last.postRoot) revert PreRootMismatch(last.postRoot, header.preRoot);
        if (header.depositCursor < last.depositCursor || header.depositCursor > depositCount) {
            revert DepositCursorOutOfRange(last.depositCursor, depositCount, header.depositCursor);
        }
        if (header.lastBlockNumber < last.lastBlockNumber) {
            revert LastBlockNumberBehind(last.lastBlockNumber, header.lastBlockNumber);
        }
        if (
            header.lastBlockNumber == last.lastBlockNumber
                && header.lastBlockHash != last.lastBlockHash
        ) revert LastBlockHashMismatch(last.lastBlockHash, header.lastBlockHash);
        _requireTimestamp(header.timestamp, last.timestamp);
    }

    /// @dev The window counts from L1's time of acceptance, never from this timestamp.
    function _requireTimestamp(uint64 timestamp, uint64 lastTimestamp) private view {
        uint64 nowTsS = uint64(block.timestamp);
        uint64 minimum = nowTsS > timestampLag ? nowTsS - timestampLag : 0;
        if (minimum < lastTimestamp) minimum = lastTimestamp;
        uint64 maximum = nowTsS + TIMESTAMP_LEAD_S;
        if (timestamp < minimum || timestamp > maximum) {
            revert TimestampOutOfRange(minimum, maximum, timestamp);
        }
    }

    /// @dev The L1 block that the batch was built upon is in this chain: after a reorganisation
    /// that removed it, the submission reverts and the header is signed anew.
    function _requirePin(BatchHeader calldata header) private view {
        bytes32 hash = L1Blocks.hashOf(header.l1BlockNumber);
        if (hash == bytes32(0)) revert L1BlockUnavailable(header.l1BlockNumber);
        if (header.l1BlockHash != hash) revert L1BlockHashMismatch(hash, header.l1BlockHash);
    }

    /* INTERNAL: WHAT WAS ACCEPTED */

    /// @dev What is shown was accepted and not removed. Returns the header's hash.
    function _requireStanding(AcceptedBatch calldata batch) internal view returns (bytes32 hash) {
        uint64 number = batch.header.number;
        if (number > tip) revert BatchRemoved(tip, number);
        return _requireAcceptedAs(number, batch);
    }

    /// @dev What is shown is what was accepted as batch `number`. Returns the header's hash.
    function _requireAcceptedAs(uint64 number, AcceptedBatch calldata batch)
        internal
        view
        returns (bytes32 hash)
    {
        hash = headerHash(batch.header);
        bytes32 slot = Batches.slot(hash, batch.acceptedTsS, batch.signers);
        if (slot != batchSlot[number]) revert BatchNotAccepted(number, batchSlot[number], slot);
    }

    /// @dev Returns how many deposits batch `number` and those before have consumed. Genesis has
    /// none, and nothing is read for it.
    function _cursorAt(uint64 number, AcceptedBatch calldata batch) internal view returns (uint64) {
        if (number == 0) return 0;
        _requireAcceptedAs(number, batch);
        return batch.header.depositCursor;
    }

    /// @dev The record is the queue's at this place.
    function _requireDeposit(uint64 index, DepositRecord calldata record) internal view {
        bytes32 hash = VaultRecords.depositHash(
            depositHash[index],
            record.token,
            record.assetId,
            record.owner,
            record.amountMinor,
            record.tsS
        );
        if (index >= depositCount || hash != depositHash[index + 1]) {
            revert DepositNotQueued(index);
        }
    }

    /* INTERNAL: SETTLING AND FREEZING */

    function _requireSettled(AcceptedBatch calldata batch) internal {
        bytes32 hash = _requireStanding(batch);
        uint64 number = batch.header.number;
        if (number > frontier + 1) revert BatchNotSettled(frontier, number);
        if (number == frontier + 1) _settle(batch, hash);
    }

    /// @dev The caller has checked that the batch stands and is the next to settle.
    function _settle(AcceptedBatch calldata batch, bytes32 hash) private {
        uint256 settlesAtTsS = uint256(batch.acceptedTsS) + challengeWindow;
        if (block.timestamp < settlesAtTsS) revert WindowOpen(settlesAtTsS, block.timestamp);
        uint256 openCount = challenges.openCount(hash);
        if (openCount != 0) revert ChallengesOpen(openCount);

        uint64 number = batch.header.number;
        frontier = number;
        if (_isRecovering && batch.acceptedTsS > rolledBackTsS) _isRecovering = false;
        emit BatchSettled(number);
    }

    /// @dev The batch is the last one, or was accepted when the deadline had passed. Else a
    /// committee that posts in each block could keep everybody from showing the last one.
    function _requireLate(AcceptedBatch calldata batch, uint256 deadlineTsS) private view {
        _requireStanding(batch);
        if (batch.header.number != tip && batch.acceptedTsS < deadlineTsS) {
            revert BatchTooOld(deadlineTsS, batch.acceptedTsS);
        }
    }

    function _requirePast(uint256 deadlineTsS) private view {
        if (block.timestamp < deadlineTsS) revert DeadlineAhead(deadlineTsS, block.timestamp);
    }

    function _freeze(FreezeReason reason) private {
        _requireNotFrozen();
        frozenTsS = uint40(block.timestamp);
        emit Frozen(reason, frozenTsS);
    }
}
