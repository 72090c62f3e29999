// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRollup} from "../interfaces/IRollup.sol";
import {Operations} from "./Operations.sol";
import {StateTree} from "./StateTree.sol";

/// @title Withdrawals: what the proof of a withdrawal shows
library Withdrawals {
    using Operations for bytes;

    /// @dev Returns the amount of the withdrawal that the proof shows in the batch, and the nonce
    /// of its order. Reverts unless the chunk is the batch's, the slot holds a withdrawal, and the
    /// leaf is the payer's after the chunk.
    function requireProven(
        IRollup.BatchHeader calldata header,
        IRollup.WithdrawalProof calldata proof
    ) internal pure returns (uint48 amountMinor, uint64 nonce) {
        bytes calldata chunk = proof.chunk;
        uint256 position = proof.slotNumber % Operations.CHUNK_SLOTS;
        _requireChunk(header, proof);
        Operations.Operation memory operation = Operations.decode(chunk.slotAt(position));
        (bool isOperation, uint64 count) = chunk.countFrom(position, operation.payer);
        if (!isOperation) revert IRollup.SlotIsSecondHalf(proof.slotNumber);
        if (
            operation.payer < Operations.FIRST_ACCOUNT || operation.payee != Operations.BRIDGE
                || operation.amountMinor == 0
        ) {
            revert IRollup.SlotNotWithdrawal(
                operation.payer, operation.payee, operation.amountMinor
            );
        }

        bytes32 leaf = StateTree.leaf(proof.owner, proof.assetId, proof.nonce, proof.balanceMinor);
        bytes32 root = StateTree.stateRoot(leaf, operation.payer, proof.leafPath);
        if (root != chunk.postRoot()) revert IRollup.LeafNotInState(chunk.postRoot(), root);
        // The leaf counts what the payer did to the chunk's end; the order was signed before.
        if (proof.nonce < count) revert IRollup.NonceBelowCount(count, proof.nonce);
        return (operation.amountMinor, proof.nonce - count);
    }

    function _requireChunk(
        IRollup.BatchHeader calldata header,
        IRollup.WithdrawalProof calldata proof
    ) private pure {
        uint256 limit =
            header.chunkCount * Operations.CHUNK_SLOTS;
        if (proof.slotNumber >= limit) revert IRollup.SlotOutOfRange(limit, proof.slotNumber);
        if (proof.chunk.length != Operations.CHUNK_SIZE_BYTES) {
            revert IRollup.ChunkSizeMismatch(Operations.CHUNK_SIZE_BYTES, proof.chunk.length);
        }
        uint256 index = proof.slotNumber / Operations.CHUNK_SLOTS;
        bytes32 root = StateTree.chunksRoot(keccak256(proof.chunk), index, proof.chunkPath);
        if (root != header.chunksRoot) revert IRollup.ChunkNotInBatch(header.chunksRoot, root);
    }
}
