// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDisputes} from "../interfaces/IDisputes.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {Batches} from "../libraries/Batches.sol";
import {Blobs} from "../libraries/Blobs.sol";
import {ChunkReading} from "../libraries/ChunkReading.sol";
import {Chunks} from "../libraries/Chunks.sol";
import {KzgOpenings} from "../libraries/KzgOpenings.sol";
import {Multiproofs} from "../libraries/Multiproofs.sol";
import {Operations} from "../libraries/Operations.sol";
import {StateTree} from "../libraries/StateTree.sol";
import {Votes} from "../libraries/Votes.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// @title Disputes: one-transaction proofs of fraud
/// @notice Nobody has any power here: what is proven counts, whoever proves it.
contract Disputes is IDisputes {
    using Batches for IRollup.BatchHeader;
    using Chunks for IRollup.BatchHeader;
    using Multiproofs for IRollup.Leaf[];
    using Operations for bytes;

    uint256 private constant BLOCK_SIZE_BYTES = 8 * 32;
    uint256 private constant NEXT_ROUND_SIZE_BYTES = 3 * 32;

    /// @inheritdoc IDisputes
    IRollup public immutable rollup;

    /// @inheritdoc IDisputes
    mapping(bytes32 commitment => uint256 blockNumber) public committedAt;

    constructor(IRollup rollup_) {
        rollup = rollup_;
    }

    /// @inheritdoc IDisputes
    function commit(bytes32 commitment) external {
        if (committedAt[commitment] != 0) return;

        committedAt[commitment] = block.number;
        emit ProofCommitted(commitment, msg.sender);
    }

    /* BATCHES */

    /// @inheritdoc IDisputes
    function proveInvalidChunk(
        IRollup.AcceptedBatch calldata batch,
        IRollup.ChunkProof calldata chunk,
        IRollup.ChunkProof calldata before,
        IRollup.Multiproof calldata state,
        IRollup.DepositRecord[] calldata deposits
    ) external {
        bytes32 headerHash = rollup.requireDisputable(batch);
        batch.header.requireInBatch(chunk);
        // slither-disable-next-line uninitialized-local: all else begins at zero
        ChunkReading.Reading memory reading;
        reading.rollup = rollup;
        reading.depositCursor = batch.header.depositCursor;
        reading.leaves = state.leaves;
        bytes32 preRoot = _preRoot(batch.header, chunk.index, before);
        reading.leaves.requireRoot(state.siblings, preRoot);

        bool isValid = ChunkReading.read(reading, chunk.chunk, deposits);
        if (isValid && reading.leaves.root(state.siblings) == chunk.chunk.postRoot()) {
            revert ChunkValid();
        }
        _rollBack(Fraud.InvalidChunk, batch, headerHash);
    }

    /// @inheritdoc IDisputes
    function proveDataMismatch(
        IRollup.AcceptedBatch calldata batch,
        uint256 chunkIndex,
        bytes32 chunkHash,
        bytes32[10] calldata chunkPath,
        bytes32[] calldata blobHashes,
        bytes calldata commitment,
        Opening[32] calldata openings
    ) external {
        bytes32 headerHash = rollup.requireDisputable(batch);
        batch.header.requireInBatch(chunkIndex, chunkHash, chunkPath);
        _requireBlobs(batch.header, blobHashes);

        bytes32 blobHash = blobHashes[chunkIndex / Blobs.BLOB_CHUNKS];
        uint256 first = (chunkIndex % Blobs.BLOB_CHUNKS) * openings.length;
        bytes memory data = "";
        bool isData = true;
        for (uint256 i = 0; i < openings.length; ++i) {
            bytes32 value = openings[i].value;
            if (!KzgOpenings.isElement(blobHash, first + i, value, commitment, openings[i].proof)) {
                revert OpeningInvalid(first + i);
            }
            if (bytes1(value) != 0) isData = false;
            data = bytes.concat(data, bytes31(value << 8));
        }
        if (isData && keccak256(data) == chunkHash) revert DataMatches();
        _rollBack(Fraud.DataMismatch, batch, headerHash);
    }

    /// @inheritdoc IDisputes
    function provePostRootMismatch(
        IRollup.AcceptedBatch calldata batch,
        IRollup.ChunkProof calldata last
    ) external {
        bytes32 headerHash = rollup.requireDisputable(batch);
        batch.header.requireInBatch(last);
        _requireIndex(batch.header.chunkCount - 1, last.index);
        if (last.chunk.postRoot() == batch.header.postRoot) revert HeaderMatches();

        _rollBack(Fraud.HeaderMismatch, batch, headerHash);
    }

    /// @inheritdoc IDisputes
    function proveCursorMismatch(
        IRollup.AcceptedBatch calldata batch,
        IRollup.LeafProof calldata bridge
    ) external {
        bytes32 headerHash = rollup.requireDisputable(batch);
        if (bridge.accountId != Operations.BRIDGE) revert LeafNotShown(Operations.BRIDGE);
        StateTree.requireLeaf(bridge, batch.header.postRoot);
        if (bridge.nonce == batch.header.depositCursor) revert HeaderMatches();

        _rollBack(Fraud.HeaderMismatch, batch, headerHash);
    }

    /// @inheritdoc IDisputes
    function proveDuplicateAccount(
        IRollup.AcceptedBatch calldata batch,
        IRollup.ChunkProof calldata chunk,
        uint256 position,
        IRollup.Multiproof calldata accounts
    ) external {
        bytes32 headerHash = rollup.requireDisputable(batch);
        batch.header.requireInBatch(chunk);
        (uint32 accountId, Operations.Opening memory opening) = _opening(chunk, position);
        IRollup.Leaf[] memory leaves = accounts.leaves;
        leaves.requireRoot(accounts.siblings, chunk.chunk.postRoot());
        if (!_hasOther(leaves, accountId, opening)) revert AccountNotDuplicate();

        _rollBack(Fraud.DuplicateAccount, batch, headerHash);
    }

    /* VALIDATORS */

    /// @inheritdoc IDisputes
    function proveDoubleVote(
        bytes calldata first,
        bytes calldata firstSignature,
        bytes calldata second,
        bytes calldata secondSignature
    ) external {
        bytes32 firstHash = _voteHash(first);
        bytes32 secondHash = _voteHash(second);
        // Number, epoch and round are the first three words of both types.
        bool isOfOneRound =
            keccak256(first[:NEXT_ROUND_SIZE_BYTES]) == keccak256(second[:NEXT_ROUND_SIZE_BYTES]);
        if (!isOfOneRound || firstHash == secondHash) revert SignaturesAgree();

        (, uint32 epoch,) = abi.decode(first[:NEXT_ROUND_SIZE_BYTES], (uint64, uint32, uint32));
        _punish(firstHash, firstSignature, secondHash, secondSignature, epoch);
    }

    /// @inheritdoc IDisputes
    function proveDoubleHeader(
        IRollup.BatchHeader calldata first,
        bytes calldata firstSignature,
        IRollup.BatchHeader calldata second,
        bytes calldata secondSignature
    ) external {
        if (
            first.epoch != second.epoch || first.lastBlockNumber != second.lastBlockNumber
                || first.lastBlockHash == second.lastBlockHash
        ) revert SignaturesAgree();

        _punish(
            first.structHash(), firstSignature, second.structHash(), secondSignature, first.epoch
        );
    }

    /* INTERNAL */

    function _rollBack(Fraud fraud, IRollup.AcceptedBatch calldata batch, bytes32 headerHash)
        private
    {
        address prover = _prover();
        emit FraudProven(fraud, batch.header.number, headerHash, prover);
        rollup.rollBack(batch, prover);
    }

    /// @dev Takes the stake of the validator who signed both.
    function _punish(
        bytes32 firstHash,
        bytes calldata firstSignature,
        bytes32 secondHash,
        bytes calldata secondSignature,
        uint32 epoch
    ) private {
        bytes32 domain = rollup.domainSeparator();
        address first = ECDSA.recoverCalldata(
            MessageHashUtils.toTypedDataHash(domain, firstHash), firstSignature
        );
        address second = ECDSA.recoverCalldata(
            MessageHashUtils.toTypedDataHash(domain, secondHash), secondSignature
        );
        if (first != second) revert SignersDiffer(first, second);

        address prover = _prover();
        emit EquivocationProven(first, epoch, prover);
        rollup.committee().punishEquivocation(first, prover);
    }

    /// @dev Returns the sender if he committed to this very call in an earlier block, so that who
    /// copies it from the mempool earns nothing; else 0.
    function _prover() private view returns (address) {
        uint256 blockNumber =
            committedAt[keccak256(abi.encodePacked(keccak256(msg.data), msg.sender))];
        return blockNumber != 0 && blockNumber < block.number ? msg.sender : address(0);
    }

    /// @dev Returns the state root that the chunk at `index` starts from.
    function _preRoot(
        IRollup.BatchHeader calldata header,
        uint256 index,
        IRollup.ChunkProof calldata before
    ) private pure returns (bytes32) {
        if (index == 0) return header.preRoot;

        header.requireInBatch(before);
        _requireIndex(index - 1, before.index);
        return before.chunk.postRoot();
    }

    function _opening(IRollup.ChunkProof calldata chunk, uint256 position)
        private
        pure
        returns (uint32 accountId, Operations.Opening memory opening)
    {
        if (position >= Operations.CHUNK_SLOTS - 1) revert SlotNotOpening(position);
        Operations.Operation memory operation = Operations.decode(chunk.chunk.slotAt(position));
        // slither-disable-next-line unused-return: how many there are is not asked
        (bool isOperation,) = chunk.chunk.countFrom(position, operation.payer);
        if (!isOperation) {
            revert IRollup.SlotIsSecondHalf(chunk.index * Operations.CHUNK_SLOTS + position);
        }
        if (operation.payer != Operations.REGISTRY) revert SlotNotOpening(position);
        return (operation.payee, chunk.chunk.openingAt(position));
    }

    function _hasOther(
        IRollup.Leaf[] memory leaves,
        uint32 accountId,
        Operations.Opening memory opening
    ) private pure returns (bool) {
        for (uint256 i = 0; i < leaves.length; ++i) {
            if (
                leaves[i].accountId != accountId && leaves[i].owner == opening.owner
                    && leaves[i].assetId == opening.assetId
            ) return true;
        }
        return false;
    }

    function _voteHash(bytes calldata vote) private pure returns (bytes32) {
        if (vote.length == BLOCK_SIZE_BYTES) {
            return keccak256(bytes.concat(Votes.BLOCK_TYPEHASH, vote));
        }
        if (vote.length != NEXT_ROUND_SIZE_BYTES) revert VoteSizeInvalid(vote.length);
        return keccak256(bytes.concat(Votes.NEXT_ROUND_TYPEHASH, vote));
    }

    /// @dev A calldata batch names no blobs: its data hash is that of far more words than its
    /// chunks would fill blobs, so the number tells the two apart.
    function _requireBlobs(IRollup.BatchHeader calldata header, bytes32[] calldata blobHashes)
        private
        pure
    {
        uint256 count = Blobs.countFor(header.chunkCount);
        if (blobHashes.length != count) revert BlobCountMismatch(count, blobHashes.length);
        bytes32 dataHash = keccak256(abi.encodePacked(blobHashes));
        if (dataHash != header.dataHash) revert BlobHashesMismatch(header.dataHash, dataHash);
    }

    function _requireIndex(uint256 expected, uint256 actual) private pure {
        if (actual != expected) revert ChunkIndexMismatch(expected, actual);
    }
}
