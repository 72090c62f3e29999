// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Operations} from "../../contracts/libraries/Operations.sol";
import {ProtocolHarness} from "../../contracts/test/ProtocolHarness.sol";

/// @notice The walk over a chunk agrees with a plain one, and the codec inverts itself.
contract OperationsTest {
    uint256 private constant SLOTS = 64;

    ProtocolHarness private harness;

    function setUp() external {
        harness = new ProtocolHarness();
    }

    function testFuzz_decode__any_slot__inverts_encode(bytes15 slot) external view {
        Operations.Operation memory operation = harness.decodeOperation(slot);

        assert(harness.encodeOperation(operation) == slot);
    }

    /// @dev Few different payers, so that openings and repeated payers are frequent.
    function testFuzz_countFrom__random_chunk__as_plain_version(
        uint256 seed,
        uint256 position,
        uint32 payer
    ) external view {
        position %= SLOTS;
        payer = 2 + payer % 2;
        bytes memory chunk = _chunk(seed);

        (bool isOperation, uint64 count) = harness.countFrom(chunk, position, payer);

        (bool expected, uint64 expectedCount) = _plainCount(chunk, position, payer);
        assert(isOperation == expected);
        assert(!isOperation || count == expectedCount);
    }

    function testFuzz_slotAt__random_chunk__as_plain_version(uint256 seed, uint256 position)
        external
        view
    {
        position %= SLOTS;
        bytes memory chunk = _chunk(seed);

        bytes15 slot = harness.slotAt(chunk, position);

        for (uint256 i = 0; i < 15; ++i) {
            assert(slot[i] == chunk[position * 15 + i]);
        }
    }

    /// @dev First marks the second halves, then counts.
    function _plainCount(bytes memory chunk, uint256 position, uint32 payer)
        private
        pure
        returns (bool isOperation, uint64 count)
    {
        bool[SLOTS + 1] memory isSecondHalf;
        for (uint256 i = 0; i < SLOTS; ++i) {
            if (!isSecondHalf[i] && _payer(chunk, i) == 1) isSecondHalf[i + 1] = true;
        }
        for (uint256 i = position; i < SLOTS; ++i) {
            if (!isSecondHalf[i] && _payer(chunk, i) == payer) ++count;
        }
        return (!isSecondHalf[position], count);
    }

    function _payer(bytes memory chunk, uint256 position) private pure returns (uint32) {
        uint256 start = position * 15;
        return uint32(
            bytes4(bytes.concat(chunk[start], chunk[start + 1], chunk[start + 2], chunk[start + 3]))
        );
    }

    function _chunk(uint256 seed) private pure returns (bytes memory chunk) {
        for (uint256 i = 0; i < SLOTS; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            chunk = bytes.concat(chunk, bytes4(uint32(word % 4)), bytes11(bytes32(word)));
        }
        return bytes.concat(chunk, keccak256("root"));
    }
}
