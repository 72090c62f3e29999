// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Blobs: hashes of the blobs that the transaction carries (EIP-4844)
library Blobs {
    uint256 internal constant BLOB_CHUNKS = 128;

    /// @dev Returns how many blobs hold that many chunks.
    function countFor(uint256 chunkCount) internal pure returns (uint256) {
        return (chunkCount + BLOB_CHUNKS - 1) / BLOB_CHUNKS;
    }

    /// @dev Returns keccak of the versioned hashes of the transaction's first `count` blobs, and
    /// how many of these the transaction has.
    function dataHash(uint256 count) internal view returns (bytes32 hash, uint256 present) {
        bytes32[] memory versionedHashes = new bytes32[](count);
        for (; present < count; ++present) {
            // 0 past the last blob; no blob has it, since the first byte is the version.
            bytes32 versionedHash = blobhash(present);
            if (versionedHash == bytes32(0)) break;
            versionedHashes[present] = versionedHash;
        }
        hash = keccak256(abi.encodePacked(versionedHashes));
    }
}
