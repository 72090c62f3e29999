// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {IDepositGate} from "../interfaces/IDepositGate.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {Batches} from "../libraries/Batches.sol";
import {Blobs} from "../libraries/Blobs.sol";
import {Chunks} from "../libraries/Chunks.sol";
import {L1Blocks} from "../libraries/L1Blocks.sol";
import {Operations} from "../libraries/Operations.sol";
import {StateTree} from "../libraries/StateTree.sol";
import {VaultRecords} from "../libraries/VaultRecords.sol";
import {Withdrawals} from "../libraries/Withdrawals.sol";
import {Deposits} from "./Deposits.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title Rollup: holds the money and the ledger's batches
/// @notice There is no owner, pause or upgrade. A quorum of the committee says what the ledger
/// holds, and so who may withdraw; the lister may add assets; the deposit gate may refuse deposits.
contract Rollup is EIP712, Deposits {
    using SafeERC20 for IERC20;
    using Batches for BatchHeader;

    uint256 private constant CALLDATA_CHUNKS_MAX = 120;
    uint256 private constant BATCH_CHUNKS_MAX = 768;
    uint64 private constant TIMESTAMP_LEAD_S = 15 minutes;

    /// @inheritdoc IRollup
    ICommittee public immutable committee;
    /// @inheritdoc IRollup
    uint64 public immutable challengeWindow;
    /// @inheritdoc IRollup
    uint64 public immutable timestampLag;
    /// @inheritdoc IRollup
    bytes32 public immutable genesisRoot;

    // These share a slot with the last ones of Deposits, which is why it is the last base: a
    // submission reads and writes the slot once.
    /// @inheritdoc IRollup
    uint64 public tip;
    /// @inheritdoc IRollup
    uint64 public frontier;

    /// @inheritdoc IRollup
    uint64 public authorisedRootCount;

    /// @inheritdoc IRollup
    mapping(address owner => mapping(bytes32 root => bool)) public isAuthorised;
    /// @inheritdoc IRollup
    mapping(uint64 number => bytes32) public batchSlot;
    /// @inheritdoc IRollup
    mapping(bytes32 key => bool) public isClaimed;

    constructor(
        ICommittee committee_,
        IDepositGate gate_,
        address lister_,
        uint64 challengeWindow_,
        uint64 timestampLag_
    ) EIP712("Causeway", "1") Deposits(gate_, lister_) {
        if (timestampLag_ < challengeWindow_) {
            revert TimestampLagTooShort(challengeWindow_, timestampLag_);
        }
        committee = committee_;
        challengeWindow = challengeWindow_;
        timestampLag = timestampLag_;
        genesisRoot = StateTree.genesisRoot();
    }

    /// @dev Then the calldata is the transaction's own, where everybody can find it. Code is
    /// refused too: an account that delegates to a contract (EIP-7702) can be called on the way.
    modifier onlyPlainSender() {
        if (msg.sender != tx.origin) revert SenderNotOrigin(tx.origin, msg.sender);
        if (msg.sender.code.length != 0) revert SenderHasCode(msg.sender);
        _;
    }

    /* ORDERS */

    /// @inheritdoc IRollup
    function authorizeOrders(bytes32 root) external {
        if (root == bytes32(0)) revert RootZero();
        if (isAuthorised[msg.sender][root]) return;

        uint64 index = authorisedRootCount;
        authorisedRootCount = index + 1;
        isAuthorised[msg.sender][root] = true;
        emit OrdersAuthorised(index, msg.sender, root);
    }

    /* BATCHES */

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

    /// @inheritdoc IRollup
    function settle(AcceptedBatch[] calldata batches) external {
        for (uint256 i = 0; i < batches.length; ++i) {
            uint64 expected = frontier + 1;
            uint64 number = batches[i].header.number;
            if (number != expected) revert BatchOutOfOrder(expected, number);
            _requireAccepted(batches[i]);

            _settle(number, batches[i].acceptedTsS);
        }
    }

    /* WITHDRAWALS */

    /// @inheritdoc IRollup
    function claimWithdrawal(AcceptedBatch calldata batch, WithdrawalProof calldata proof)
        external
        nonReentrant
    {
        _requireSettled(batch);
        (uint48 amountMinor, uint64 nonce) = Withdrawals.requireProven(batch.header, proof);
        Asset storage asset = assets[proof.assetId];
        address token = asset.token;
        if (token == address(0)) revert AssetUnknown(proof.assetId);
        if (proof.owner == address(0)) revert OwnerZero();
        uint256 amount = uint256(amountMinor) * asset.unit;
        bytes32 key = VaultRecords.claimKey(proof.owner, nonce, token, amount);
        if (isClaimed[key]) revert AlreadyClaimed(key);
        uint64 outstandingMinor = asset.outstandingMinor;
        if (amountMinor > outstandingMinor) revert VaultShort(outstandingMinor, amountMinor);

        isClaimed[key] = true;
        asset.outstandingMinor = outstandingMinor - amountMinor;
        emit WithdrawalClaimed(
            proof.owner,
            proof.assetId,
            key,
            nonce,
            token,
            amount,
            batch.header.number,
            proof.slotNumber
        );

        IERC20(token).safeTransfer(proof.owner, amount);
    }

    /* INTERNAL: BATCHES */

    function _requireChunkCount(uint256 count, uint256 countMax) private pure {
        if (count == 0 || count > countMax) revert ChunkCountOutOfRange(1, countMax, count);
    }

    function _accept(
        BatchHeader calldata header,
        AcceptedBatch calldata parent,
        bytes calldata signatures
    ) private {
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
        BatchHeader memory last;
        bytes32 lastHash;
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

    function _requireAccepted(AcceptedBatch calldata batch) private view {
        _requireAcceptedAs(batch.header.number, batch);
    }

    /// @dev What is shown is what was accepted as batch `number`. Returns the header's hash.
    function _requireAcceptedAs(uint64 number, AcceptedBatch calldata batch)
        private
        view
        returns (bytes32 hash)
    {
        hash = headerHash(batch.header);
        bytes32 slot = Batches.slot(hash, batch.acceptedTsS, batch.signers);
        if (slot != batchSlot[number]) revert BatchNotAccepted(number, batchSlot[number], slot);
    }

    /* INTERNAL: SETTLING AND CLAIMS */

    function _settle(uint64 number, uint64 acceptedTsS) private {
        uint256 settlesAtTsS = uint256(acceptedTsS) + challengeWindow;
        if (block.timestamp < settlesAtTsS) revert WindowOpen(settlesAtTsS, block.timestamp);

        frontier = number;
        emit BatchSettled(number);
    }

    function _requireSettled(AcceptedBatch calldata batch) private {
        _requireAccepted(batch);
        uint64 number = batch.header.number;
        if (number > frontier + 1) revert BatchNotSettled(frontier, number);
        if (number == frontier + 1) _settle(number, batch.acceptedTsS);
    }

    /* VIEWS */

    /// @inheritdoc IRollup
    function headerHash(BatchHeader calldata header) public view returns (bytes32) {
        return _hashTypedDataV4(header.structHash());
    }

    /// @inheritdoc IRollup
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }
}
