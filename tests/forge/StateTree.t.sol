// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ProtocolHarness} from "../../contracts/test/ProtocolHarness.sol";

/// @notice Trees and chunk hashes agree with plain versions of themselves.
contract StateTreeTest {
    ProtocolHarness private harness;

    function setUp() external {
        harness = new ProtocolHarness();
    }

    function testFuzz_node__any_children__as_plain_version(bytes32 left, bytes32 right)
        external
        view
    {
        assert(harness.node(left, right) == _plainNode(left, right));
        assert(harness.node(left, 0) == _plainNode(left, 0));
        assert(harness.node(0, right) == _plainNode(0, right));
        assert(harness.node(0, 0) == 0);
    }

    function testFuzz_leaf__any_account__as_plain_version(
        address owner,
        uint16 assetId,
        uint64 nonce,
        uint64 balanceMinor
    ) external view {
        bytes32 expected = owner == address(0)
            ? bytes32(0)
            : keccak256(
                bytes.concat(bytes20(owner), bytes2(assetId), bytes8(nonce), bytes8(balanceMinor))
            );

        assert(harness.leaf(owner, assetId, nonce, balanceMinor) == expected);
    }

    /// @dev Zero hashes too: a submitter may send them.
    function testFuzz_chunksRoot__any_hashes__as_plain_version(uint256 seed, uint256 count)
        external
        view
    {
        bytes32[] memory hashes = _hashes(seed, count % 769);

        assert(harness.chunksRoot(hashes) == _plainRoot(hashes, 0, 1024));
    }

    function testFuzz_chunksRootFrom__path_of_a_chunk__leads_to_root(
        uint256 seed,
        uint256 count,
        uint256 index
    ) external view {
        bytes32[] memory hashes = _hashes(seed, 1 + count % 130);
        index %= hashes.length;
        bytes32[10] memory siblings;
        for (uint256 level = 0; level < 10; ++level) {
            uint256 width = 1 << level;
            siblings[level] = _plainRoot(hashes, ((index >> level) ^ 1) << level, width);
        }

        bytes32 root = harness.chunksRootFrom(hashes[index], index, siblings);

        assert(root == harness.chunksRoot(hashes));
    }

    function testFuzz_hashChunks__any_chunks__as_plain_version(uint256 seed, uint256 count)
        external
        view
    {
        count = count % 5;
        bytes memory chunks;
        bytes32[] memory expected = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            bytes memory chunk = _noise(seed, i);
            expected[i] = keccak256(chunk);
            chunks = bytes.concat(chunks, chunk);
        }

        (bytes32 dataHash, bytes32[] memory hashes) = harness.hashChunks(chunks);

        assert(dataHash == keccak256(chunks));
        assert(keccak256(abi.encode(hashes)) == keccak256(abi.encode(expected)));
    }

    /// @dev Returns the root of the subtree over `width` places from `first` on.
    function _plainRoot(bytes32[] memory hashes, uint256 first, uint256 width)
        private
        pure
        returns (bytes32)
    {
        if (first >= hashes.length) return 0;
        if (width == 1) return hashes[first];
        uint256 half = width / 2;
        return _plainNode(_plainRoot(hashes, first, half), _plainRoot(hashes, first + half, half));
    }

    function _plainNode(bytes32 left, bytes32 right) private pure returns (bytes32) {
        if (left == 0 && right == 0) return 0;
        return keccak256(abi.encodePacked(left, right));
    }

    /// @dev A quarter of them zero.
    function _hashes(uint256 seed, uint256 count) private pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            bytes32 hash = keccak256(abi.encode(seed, i));
            if (uint256(hash) % 4 != 0) hashes[i] = hash;
        }
    }

    function _noise(uint256 seed, uint256 index) private pure returns (bytes memory chunk) {
        for (uint256 i = 0; i < 31; ++i) {
            chunk = bytes.concat(chunk, keccak256(abi.encode(seed, index, i)));
        }
    }
}
