// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Operations} from "./Operations.sol";

/// @title Chunks: hashes of the chunks of a calldata batch
library Chunks {
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
