// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDisputes} from "../../contracts/interfaces/IDisputes.sol";
import {IRollup} from "../../contracts/interfaces/IRollup.sol";
import {DisputesHarness} from "../../contracts/test/DisputesHarness.sol";
import {Trees} from "./Trees.sol";
import {vm} from "./Vm.sol";

/// @notice A multiproof made by the words of the law leads to the root of the whole tree.
contract MultiproofsTest {
    uint256 private constant LEAVES_MAX = 20;

    DisputesHarness private harness;

    function setUp() external {
        harness = new DisputesHarness();
    }

    function testFuzz_root__some_leaves_of_a_tree__is_that_of_the_tree(uint256 seed, uint32 mask)
        external
        view
    {
        Trees.Tree memory tree = _tree(seed, mask);

        assert(harness.root(Trees.multiproof(tree)) == Trees.root(tree));
    }

    function testFuzz_root__one_leaf_changed__is_that_of_the_changed_tree(uint256 seed, uint32 mask)
        external
        view
    {
        Trees.Tree memory tree = _tree(seed, mask);
        IRollup.Multiproof memory proof = Trees.multiproof(tree);
        if (proof.leaves.length == 0) return;

        // The leaf is the tree's too: both name one place in memory.
        proof.leaves[seed % proof.leaves.length].balanceMinor ^= 1;

        assert(harness.root(proof) == Trees.root(tree));
    }

    function testFuzz_root__one_sibling_too_many_or_few__reverts(uint256 seed, uint32 mask)
        external
    {
        Trees.Tree memory tree = _tree(seed, mask);
        IRollup.Multiproof memory proof = Trees.multiproof(tree);
        uint256 count = proof.siblings.length;
        proof.siblings = Trees.resized(proof.siblings, count + 1);
        _expectCount(count, count + 1);
        harness.root(proof);

        if (count == 0) return;
        proof.siblings = Trees.resized(proof.siblings, count - 1);
        _expectCount(count, count - 1);
        harness.root(proof);
    }

    function testFuzz_root__id_twice_or_descending__reverts(uint256 seed, uint32 mask) external {
        Trees.Tree memory tree = _tree(seed, mask);
        IRollup.Leaf[] memory leaves = tree.leaves;
        if (leaves.length < 2) return;
        uint256 i = 1 + seed % (leaves.length - 1);
        uint32 previous = leaves[i - 1].accountId;
        leaves[i].accountId = previous - uint32(seed % (1 + uint256(previous)));

        vm.expectRevert(
            abi.encodeWithSelector(
                IDisputes.LeavesNotAscending.selector, leaves[i - 1].accountId, leaves[i].accountId
            )
        );
        harness.root(IRollup.Multiproof(leaves, new bytes32[](0)));
    }

    function testFuzz_find__any_id__as_plain_version(uint256 seed, uint32 mask, uint32 accountId)
        external
    {
        IRollup.Leaf[] memory leaves = _tree(seed, mask).leaves;
        for (uint256 i = 0; i < leaves.length; ++i) {
            IRollup.Leaf memory found = harness.find(leaves, leaves[i].accountId);
            assert(keccak256(abi.encode(found)) == keccak256(abi.encode(leaves[i])));
            if (leaves[i].accountId == accountId) return;
        }

        vm.expectRevert(abi.encodeWithSelector(IDisputes.LeafNotShown.selector, accountId));
        harness.find(leaves, accountId);
    }

    function _expectCount(uint256 expected, uint256 actual) private {
        vm.expectRevert(
            abi.encodeWithSelector(IDisputes.SiblingCountMismatch.selector, expected, actual)
        );
    }

    /// @dev Few bits in the mask make neighbours frequent. A quarter of the leaves is empty.
    function _tree(uint256 seed, uint32 mask) private pure returns (Trees.Tree memory tree) {
        uint256 count = seed % (LEAVES_MAX + 1);
        IRollup.Leaf[] memory leaves = new IRollup.Leaf[](count);
        uint256 used = 0;
        for (uint256 i = 0; i < count; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            address owner = word % 4 == 0 ? address(0) : address(uint160(word));
            IRollup.Leaf memory leaf = IRollup.Leaf(
                uint32(word >> 160) & mask,
                owner,
                uint16(word >> 192),
                uint64(word),
                uint64(word >> 64)
            );
            if (_insert(leaves, used, leaf)) ++used;
        }
        tree.leaves = new IRollup.Leaf[](used);
        tree.isShown = new bool[](used);
        for (uint256 i = 0; i < used; ++i) {
            tree.leaves[i] = leaves[i];
            tree.isShown[i] = uint256(keccak256(abi.encode(i, seed))) % 3 != 0;
        }
    }

    function _insert(IRollup.Leaf[] memory leaves, uint256 used, IRollup.Leaf memory leaf)
        private
        pure
        returns (bool)
    {
        for (uint256 i = 0; i < used; ++i) {
            if (leaves[i].accountId == leaf.accountId) return false;
        }
        uint256 place = used;
        for (; place > 0 && leaves[place - 1].accountId > leaf.accountId; --place) {
            leaves[place] = leaves[place - 1];
        }
        leaves[place] = leaf;
        return true;
    }
}
