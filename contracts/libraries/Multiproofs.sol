// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDisputes} from "../interfaces/IDisputes.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {StateTree} from "./StateTree.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Multiproofs: some leaves of a state tree, proven at once
/// @notice The walk goes from the root down, left before right; where none of the leaves is below a
/// node, its hash is the next sibling. docs/PROTOCOL.md, section 1.
library Multiproofs {
    /// @dev Reverts unless the leaves and siblings lead to the state root `expected`.
    function requireRoot(
        IRollup.Leaf[] memory leaves,
        bytes32[] calldata siblings,
        bytes32 expected
    ) internal pure {
        bytes32 actual = root(leaves, siblings);
        if (actual != expected) revert IDisputes.RootMismatch(expected, actual);
    }

    /// @dev Returns the state root that the leaves and siblings lead to. Reverts unless the ids
    /// ascend strictly and the siblings are as many as the walk takes.
    function root(IRollup.Leaf[] memory leaves, bytes32[] calldata siblings)
        internal
        pure
        returns (bytes32 top)
    {
        uint256 expected = _siblingCount(leaves);
        if (siblings.length != expected) {
            revert IDisputes.SiblingCountMismatch(expected, siblings.length);
        }
        (top,) = _walk(leaves, siblings, 0, leaves.length, StateTree.STATE_DEPTH, 0);
    }

    /// @dev Returns the leaf of an account, to be read or changed in place. The ids ascend.
    function find(IRollup.Leaf[] memory leaves, uint32 accountId)
        internal
        pure
        returns (IRollup.Leaf memory)
    {
        uint256 low = 0;
        uint256 high = leaves.length;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (leaves[middle].accountId < accountId) low = middle + 1;
            else high = middle;
        }
        if (low == leaves.length || leaves[low].accountId != accountId) {
            revert IDisputes.LeafNotShown(accountId);
        }
        return leaves[low];
    }

    /// @dev A tree without leaves is one sibling. The first leaf has 32; each next one replaces the
    /// sibling where its path leaves that of the leaf before, and brings one for each level below.
    function _siblingCount(IRollup.Leaf[] memory leaves) private pure returns (uint256 count) {
        if (leaves.length == 0) return 1;

        count = StateTree.STATE_DEPTH;
        for (uint256 i = 1; i < leaves.length; ++i) {
            uint32 previous = leaves[i - 1].accountId;
            uint32 accountId = leaves[i].accountId;
            if (previous >= accountId) revert IDisputes.LeavesNotAscending(previous, accountId);
            count = count + Math.log2(previous ^ accountId) - 1;
        }
    }

    /// @dev Returns the hash of the node above `leaves[from:to]`, with `level` levels below it, and
    /// the place of the next sibling.
    function _walk(
        IRollup.Leaf[] memory leaves,
        bytes32[] calldata siblings,
        uint256 from,
        uint256 to,
        uint256 level,
        uint256 next
    ) private pure returns (bytes32, uint256) {
        if (from == to) return (siblings[next], next + 1);
        if (from + 1 == to) return (_climb(leaves[from], siblings, level, next), next + level);

        --level;
        uint256 middle = from;
        while (middle < to && (leaves[middle].accountId >> level) & 1 == 0) ++middle;
        bytes32 left;
        bytes32 right;
        (left, next) = _walk(leaves, siblings, from, middle, level, next);
        (right, next) = _walk(leaves, siblings, middle, to, level, next);
        return (StateTree.node(left, right), next);
    }

    /// @dev Returns the hash of the node `levels` above a leaf that is alone under it. The walk has
    /// met the siblings on the left first, from the top down, then those on the right.
    function _climb(
        IRollup.Leaf memory leaf,
        bytes32[] calldata siblings,
        uint256 levels,
        uint256 next
    ) private pure returns (bytes32 hash) {
        uint256 path = leaf.accountId;
        hash = StateTree.leaf(leaf.owner, leaf.assetId, leaf.nonce, leaf.balanceMinor);
        // Almost all of a proof's work is done here. All places are below the number of siblings.
        unchecked {
            uint256 right = next;
            for (uint256 i = 0; i < levels; ++i) {
                right += (path >> i) & 1;
            }
            uint256 left = right;
            for (uint256 i = 0; i < levels; ++i) {
                hash = (path >> i) & 1 == 0
                    ? StateTree.node(hash, siblings[right++])
                    : StateTree.node(siblings[--left], hash);
            }
        }
    }
}
