// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRollup} from "../interfaces/IRollup.sol";
import {Operations} from "./Operations.sol";
import {StateTree} from "./StateTree.sol";

/// @title Chunks: their hashes, and the proof that one is a batch's
library Chunks {
    /// @dev Reverts unless the chunk shown is the batch's at its index.
    function requireInBatch(IRollup.BatchHeader calldata header, IRollup.ChunkProof calldata proof)
        internal
        pure
    {
        if (proof.chunk.length != Operations.CHUNK_SIZE_BYTES) {
            revert IRollup.ChunkSizeMismatch(Operations.CHUNK_SIZE_BYTES, proof.chunk.length);
        }
        requireInBatch(header, proof.index, keccak256(proof.chunk), proof.path);
    }

    /// @dev Reverts unless the hash is that of the batch's chunk at `index`.
    function requireInBatch(
        IRollup.BatchHeader calldata header,
        uint256 index,
        bytes32 chunkHash,
        bytes32[10] calldata path
    ) internal pure {
        if (index >= header.chunkCount) {
            revert IRollup.ChunkOutOfRange(header.chunkCount, index);
        }
        bytes32 root = StateTree.chunksRoot(chunkHash, index, path);
        if (root != header.chunksRoot) revert IRollup.ChunkNotInBatch(header.chunksRoot, root);
    }

    /// @dev Returns keccak of all the bytes and of each chunk in them. The caller has checked that
    /// the size is a multiple of a chunk's.
    function hashes(bytes calldata chunks)
        internal
        pure
        returns (bytes32 dataHash, bytes32[] memory chunkHashes)
    {
        uint256 count = chunks.length / Operations.CHUNK_SIZE_BYTES;
        uint256 size = Operations.CHUNK_SIZE_BYTES;
        chunkHashes = new bytes32[](count);

        // The plain version is in tests/forge/StateTree.t.sol: it copies each chunk by itself, on
        // and on in memory. Here the bytes are copied once, past the allocated memory, which
        // nothing reads afterwards.
        assembly ("memory-safe") {
            let copy := mload(0x40)
            calldatacopy(copy, chunks.offset, chunks.length)
            dataHash := keccak256(copy, chunks.length)
            let target := add(chunkHashes, 0x20)
            for { let i := 0 } lt(i, count) { i := add(i, 1) } {
                mstore(add(target, shl(5, i)), keccak256(add(copy, mul(i, size)), size))
            }
        }
    }
}
