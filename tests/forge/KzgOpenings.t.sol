// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {KzgOpenings} from "../../contracts/libraries/KzgOpenings.sol";
import {DisputesHarness} from "../../contracts/test/DisputesHarness.sol";

/// @notice The points of a blob's elements are those of the law.
contract KzgOpeningsTest {
    uint256 private constant ELEMENTS = 4096;

    DisputesHarness private harness;

    function setUp() external {
        harness = new DisputesHarness();
    }

    function test_root_of_unity__by_its_definition__holds() external view {
        assert(_power(7, (KzgOpenings.FIELD_ORDER - 1) / ELEMENTS) == KzgOpenings.ROOT_OF_UNITY);
    }

    function testFuzz_pointOf__any_element__as_plain_version(uint256 index) external view {
        index %= ELEMENTS;
        uint256 reversed = 0;
        for (uint256 bit = 0; bit < 12; ++bit) {
            if (index & (1 << bit) != 0) reversed += 1 << (11 - bit);
        }

        assert(harness.pointOf(index) == _power(KzgOpenings.ROOT_OF_UNITY, reversed));
    }

    /// @dev By the MODEXP precompile.
    function _power(uint256 base, uint256 exponent) private view returns (uint256) {
        (, bytes memory answer) = address(0x05)
            .staticcall(abi.encode(32, 32, 32, base, exponent, KzgOpenings.FIELD_ORDER));
        return abi.decode(answer, (uint256));
    }
}
