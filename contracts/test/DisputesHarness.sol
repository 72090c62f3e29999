// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRollup} from "../interfaces/IRollup.sol";
import {ChunkReading} from "../libraries/ChunkReading.sol";
import {KzgOpenings} from "../libraries/KzgOpenings.sol";
import {Multiproofs} from "../libraries/Multiproofs.sol";
import {Operations} from "../libraries/Operations.sol";

/// @title DisputesHarness
/// @notice Opens what proofs of fraud are made of to tests.
contract DisputesHarness {
    function root(IRollup.Multiproof calldata proof) external pure returns (bytes32) {
        return Multiproofs.root(proof.leaves, proof.siblings);
    }

    function find(IRollup.Leaf[] calldata leaves, uint32 accountId)
        external
        pure
        returns (IRollup.Leaf memory)
    {
        return Multiproofs.find(leaves, accountId);
    }

    /// @notice Returns whether the chunk is valid, and the leaves after what was read of it.
    function read(
        IRollup rollup,
        uint64 depositCursor,
        IRollup.Leaf[] calldata leaves,
        bytes calldata chunk,
        IRollup.DepositRecord[] calldata deposits
    ) external view returns (bool isValid, IRollup.Leaf[] memory leavesAfter) {
        ChunkReading.Reading memory reading;
        reading.rollup = rollup;
        reading.depositCursor = depositCursor;
        reading.leaves = leaves;
        isValid = ChunkReading.read(reading, chunk, deposits);
        return (isValid, reading.leaves);
    }

    function openingAt(bytes calldata chunk, uint256 position)
        external
        pure
        returns (Operations.Opening memory)
    {
        return Operations.openingAt(chunk, position);
    }

    function pointOf(uint256 index) external pure returns (uint256) {
        return KzgOpenings.pointOf(index);
    }
}
