// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title KzgOpenings: single field elements of a blob (EIP-4844)
library KzgOpenings {
    /// @dev Order of the field that a blob's elements are of.
    uint256 internal constant FIELD_ORDER =
        52435875175126190479447740508185965837690552500527637822603658699938581184513;
    /// @dev A primitive 4096th root of unity: 7^((FIELD_ORDER - 1) / 4096).
    uint256 internal constant ROOT_OF_UNITY =
        39033254847818212395286706435128746857159659164139250548781411570340225835782;
    uint256 internal constant ELEMENT_INDEX_BITS = 12;

    address private constant POINT_EVALUATION = address(0x0a);
    uint256 private constant ANSWER_SIZE_BYTES = 64;

    /// @dev Returns the point at which a blob's polynomial has the value of element `index`:
    /// ROOT_OF_UNITY to the power of the index with its bits reversed.
    function pointOf(uint256 index) internal pure returns (uint256 point) {
        point = 1;
        uint256 factor = ROOT_OF_UNITY;
        for (uint256 bit = ELEMENT_INDEX_BITS; bit > 0; --bit) {
            if ((index >> (bit - 1)) & 1 == 1) point = mulmod(point, factor, FIELD_ORDER);
            factor = mulmod(factor, factor, FIELD_ORDER);
        }
    }

    /// @dev Returns whether element `index` of the blob is `value`, by a proof of 48 bytes. False
    /// too if the commitment (48 bytes) is not the one of the versioned hash.
    function isElement(
        bytes32 versionedHash,
        uint256 index,
        bytes32 value,
        bytes calldata commitment,
        bytes calldata proof
    ) internal view returns (bool) {
        (bool isOpened, bytes memory answer) = POINT_EVALUATION.staticcall(
            abi.encodePacked(versionedHash, pointOf(index), value, commitment, proof)
        );
        // A chain without the precompile answers with nothing.
        return isOpened && answer.length == ANSWER_SIZE_BYTES;
    }
}
