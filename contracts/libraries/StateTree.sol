// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRollup} from "../interfaces/IRollup.sol";

/// @title StateTree: leaves, nodes and roots of the two Merkle trees
/// @notice The state tree has depth 32 and the ledger's accounts as leaves, the chunk tree depth 10
/// and the hashes of a batch's chunks; docs/PROTOCOL.md, sections 1 and 3. An empty subtree is 0.
library StateTree {
    uint256 internal constant STATE_DEPTH = 32;
    uint256 internal constant CHUNKS_DEPTH = 10;

    /// @dev Not 0, so that the leaf of the L1 side isn't the empty leaf.
    address internal constant BRIDGE_OWNER = address(1);

    /// @dev Returns an account's leaf; 0 (the empty leaf) if its owner is 0.
    function leaf(address owner, uint16 assetId, uint64 nonce, uint64 balanceMinor)
        internal
        pure
        returns (bytes32)
    {
        if (owner == address(0)) return bytes32(0);
        return keccak256(abi.encodePacked(owner, assetId, nonce, balanceMinor));
    }

    /// @dev Returns the hash of two children; 0 if both are 0, so empty subtrees cost nothing.
    function node(bytes32 left, bytes32 right) internal pure returns (bytes32 parent) {
        // The plain version: (left | right) == 0 ? 0 : keccak256(abi.encodePacked(left, right)).
        // The two words fit in the scratch space.
        assembly ("memory-safe") {
            if or(left, right) {
                mstore(0x00, left)
                mstore(0x20, right)
                parent := keccak256(0x00, 0x40)
            }
        }
    }

    /// @dev Returns the root of the first state: BRIDGE's leaf under id 0 and nothing else.
    function genesisRoot() internal pure returns (bytes32 root) {
        root = leaf(BRIDGE_OWNER, 0, 0, 0);
        for (uint256 level = 0; level < STATE_DEPTH; ++level) {
            root = node(root, bytes32(0));
        }
    }

    /// @dev Returns the state root that a leaf under `id` and its siblings lead to; the siblings
    /// stand from the leaf up.
    function stateRoot(bytes32 leaf_, uint32 id, bytes32[STATE_DEPTH] calldata siblings)
        internal
        pure
        returns (bytes32 root)
    {
        root = leaf_;
        for (uint256 level = 0; level < STATE_DEPTH; ++level) {
            root = _parent(root, siblings[level], id >> level);
        }
    }

    /// @dev Reverts unless the leaf and its path lead to a state root.
    function requireLeaf(IRollup.LeafProof calldata proof, bytes32 expected) internal pure {
        bytes32 hash = leaf(proof.owner, proof.assetId, proof.nonce, proof.balanceMinor);
        bytes32 actual = stateRoot(hash, proof.accountId, proof.path);
        if (actual != expected) revert IRollup.LeafNotInState(expected, actual);
    }

    /// @dev Returns the chunks root that a chunk's hash at `index` and its siblings lead to.
    function chunksRoot(bytes32 chunkHash, uint256 index, bytes32[CHUNKS_DEPTH] calldata siblings)
        internal
        pure
        returns (bytes32 root)
    {
        root = chunkHash;
        for (uint256 level = 0; level < CHUNKS_DEPTH; ++level) {
            root = _parent(root, siblings[level], index >> level);
        }
    }

    /// @dev Returns the chunks root of all of a batch's chunk hashes, from the first on.
    /// Overwrites `hashes`: each level is written over the one below, in its first half.
    function chunksRoot(bytes32[] memory hashes) internal pure returns (bytes32) {
        uint256 count = hashes.length;
        if (count == 0) return bytes32(0);
        for (uint256 level = 0; level < CHUNKS_DEPTH; ++level) {
            count = _foldLevel(hashes, count);
        }
        return hashes[0];
    }

    /// @dev Writes the parents of the first `count` nodes over the first of them and returns how
    /// many they are. A node without a right neighbour has the empty one.
    function _foldLevel(bytes32[] memory nodes, uint256 count) private pure returns (uint256) {
        // The plain version is in tests/forge/StateTree.t.sol. No read or write is outside the
        // array: reads end at `count` <= nodes.length, and the write at i is never past the reads.
        assembly ("memory-safe") {
            let end := add(add(nodes, 0x20), shl(5, count))
            let target := add(nodes, 0x20)
            for { let source := target } lt(source, end) { source := add(source, 0x40) } {
                let left := mload(source)
                let next := add(source, 0x20)
                let right := 0
                if lt(next, end) { right := mload(next) }
                let parent := 0
                if or(left, right) {
                    mstore(0x00, left)
                    mstore(0x20, right)
                    parent := keccak256(0x00, 0x40)
                }
                mstore(target, parent)
                target := add(target, 0x20)
            }
        }
        return (count + 1) / 2;
    }

    function _parent(bytes32 child, bytes32 sibling, uint256 path) private pure returns (bytes32) {
        return path & 1 == 0 ? node(child, sibling) : node(sibling, child);
    }
}
