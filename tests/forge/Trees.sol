// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRollup} from "../../contracts/interfaces/IRollup.sol";

/// @notice State trees of few leaves: their roots, and proofs by the plain words of the law.
library Trees {
    uint256 private constant DEPTH = 32;

    struct Tree {
        IRollup.Leaf[] leaves; // ascending
        bool[] isShown; // by the multiproof
        bytes32[] siblings; // of the multiproof; room for all there can be
        uint256 siblingCount;
    }

    function root(Tree memory tree) internal pure returns (bytes32) {
        return _hash(tree, 0, tree.leaves.length, 0, DEPTH);
    }

    /// @dev Returns the siblings of an id, from the leaf up.
    function path(Tree memory tree, uint32 id) internal pure returns (bytes32[32] memory siblings) {
        for (uint256 level = 0; level < DEPTH; ++level) {
            uint256 first = ((uint256(id) >> level) ^ 1) << level;
            uint256 from = _middle(tree, 0, tree.leaves.length, first);
            uint256 to = _middle(tree, from, tree.leaves.length, first + (1 << level));
            siblings[level] = _hash(tree, from, to, first, level);
        }
    }

    function multiproof(Tree memory tree) internal pure returns (IRollup.Multiproof memory proof) {
        tree.siblings = new bytes32[](DEPTH * (tree.leaves.length + 1));
        tree.siblingCount = 0;
        _prove(tree, 0, tree.leaves.length, 0, DEPTH);
        uint256 count = _shownCount(tree, 0, tree.leaves.length);
        proof.leaves = new IRollup.Leaf[](count);
        for (uint256 i = tree.leaves.length; i > 0; --i) {
            if (tree.isShown[i - 1]) proof.leaves[--count] = tree.leaves[i - 1];
        }
        proof.siblings = resized(tree.siblings, tree.siblingCount);
    }

    /// @dev The walk, over the node of `1 << level` ids from `first` on, above `leaves[from:to]`.
    function _prove(Tree memory tree, uint256 from, uint256 to, uint256 first, uint256 level)
        private
        pure
    {
        if (_shownCount(tree, from, to) == 0) {
            tree.siblings[tree.siblingCount++] = _hash(tree, from, to, first, level);
        } else if (level > 0) {
            uint256 middleId = first + (1 << (level - 1));
            uint256 middle = _middle(tree, from, to, middleId);
            _prove(tree, from, middle, first, level - 1);
            _prove(tree, middle, to, middleId, level - 1);
        }
    }

    function _hash(Tree memory tree, uint256 from, uint256 to, uint256 first, uint256 level)
        private
        pure
        returns (bytes32)
    {
        if (from == to) return 0;
        if (level == 0) {
            IRollup.Leaf memory leaf = tree.leaves[from];
            if (leaf.owner == address(0)) return 0;
            bytes memory encoded =
                abi.encodePacked(leaf.owner, leaf.assetId, leaf.nonce, leaf.balanceMinor);
            return keccak256(encoded);
        }
        uint256 middleId = first + (1 << (level - 1));
        uint256 middle = _middle(tree, from, to, middleId);
        bytes32 left = _hash(tree, from, middle, first, level - 1);
        bytes32 right = _hash(tree, middle, to, middleId, level - 1);
        return left == 0 && right == 0 ? bytes32(0) : keccak256(abi.encodePacked(left, right));
    }

    function _middle(Tree memory tree, uint256 from, uint256 to, uint256 middleId)
        private
        pure
        returns (uint256 middle)
    {
        middle = from;
        while (middle < to && tree.leaves[middle].accountId < middleId) ++middle;
    }

    function _shownCount(Tree memory tree, uint256 from, uint256 to)
        private
        pure
        returns (uint256 count)
    {
        for (uint256 i = from; i < to; ++i) {
            if (tree.isShown[i]) ++count;
        }
    }

    function resized(bytes32[] memory words, uint256 count)
        internal
        pure
        returns (bytes32[] memory copy)
    {
        copy = new bytes32[](count);
        for (uint256 i = 0; i < count && i < words.length; ++i) {
            copy[i] = words[i];
        }
    }
}
