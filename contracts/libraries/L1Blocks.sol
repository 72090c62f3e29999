// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title L1Blocks: hashes of recent L1 blocks
library L1Blocks {
    /// @dev Keeps the hashes of the last 8,191 blocks (EIP-2935).
    address internal constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;

    /// @dev Returns the hash of a block before the present one, or 0 if it can't be told.
    ///
    /// BLOCKHASH serves only where the history contract is missing: it reaches 256 blocks back,
    /// and on a development node that restarted from saved state it is wrong while the contract is
    /// right.
    function hashOf(uint64 number) internal view returns (bytes32) {
        if (HISTORY.code.length == 0) return blockhash(number);

        (bool isKnown, bytes memory answer) = HISTORY.staticcall(abi.encode(number));
        return isKnown && answer.length == 32 ? bytes32(answer) : bytes32(0);
    }
}
