// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRollup} from "../interfaces/IRollup.sol";
import {StateTree} from "./StateTree.sol";

/// @title Batches: a header's hash, its data, and the record that L1 keeps of a batch
library Batches {
    bytes32 internal constant HEADER_TYPEHASH = keccak256(
        "BatchHeader(uint64 number,uint32 epoch,bytes32 parentHash,bytes32 preRoot,"
        "bytes32 postRoot,bytes32 chunksRoot,uint16 chunkCount,bytes32 dataHash,"
        "uint64 depositCursor,uint64 l1BlockNumber,bytes32 l1BlockHash,"
        "uint64 lastBlockNumber,bytes32 lastBlockHash,uint64 timestamp)"
    );

    /// @dev Returns the EIP-712 struct hash; all fields are static, so the struct's ABI encoding is
    /// the one that EIP-712 asks for.
    function structHash(IRollup.BatchHeader calldata header) internal pure returns (bytes32) {
        return keccak256(abi.encode(HEADER_TYPEHASH, header));
    }

    /// @dev Returns what the slot of a batch holds once L1 has accepted it.
    function slot(bytes32 headerHash, uint64 acceptedTsS, uint256 signers)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encodePacked(headerHash, acceptedTsS, signers));
    }

    /// @dev Reverts unless what the header says of its chunks is what came with it. Overwrites
    /// `chunkHashes`.
    function requireData(
        IRollup.BatchHeader calldata header,
        bytes32 dataHash,
        bytes32[] memory chunkHashes
    ) internal pure {
        uint256 count = chunkHashes.length;
        if (header.chunkCount != count) {
            revert IRollup.ChunkCountMismatch(count, header.chunkCount);
        }
        if (header.dataHash != dataHash) {
            revert IRollup.DataHashMismatch(dataHash, header.dataHash);
        }
        bytes32 root = StateTree.chunksRoot(chunkHashes);
        if (header.chunksRoot != root) revert IRollup.ChunksRootMismatch(root, header.chunksRoot);
    }
}
