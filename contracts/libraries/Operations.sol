// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Operations: the 15-byte records of the ledger, and the chunks they stand in
/// @notice payer u32, payee u32, amount u48, fee u8; docs/PROTOCOL.md, section 2.
library Operations {
    uint32 internal constant BRIDGE = 0;
    uint32 internal constant REGISTRY = 1;
    uint32 internal constant FIRST_ACCOUNT = 2;

    uint256 internal constant OPERATION_SIZE_BYTES = 15;
    uint256 internal constant OPENING_OFFSET_BYTES = 8; // of assetId and owner, behind the ids
    uint256 internal constant ASSET_ID_SIZE_BYTES = 2;
    uint256 internal constant CHUNK_SLOTS = 64;
    uint256 internal constant ROOT_OFFSET_BYTES = CHUNK_SLOTS * OPERATION_SIZE_BYTES;
    uint256 internal constant CHUNK_SIZE_BYTES = ROOT_OFFSET_BYTES + 32;

    struct Operation {
        uint32 payer;
        uint32 payee;
        uint48 amountMinor;
        uint8 feeByte;
    }

    /// @dev What an *open account* says besides the account's id.
    struct Opening {
        uint16 assetId;
        address owner;
    }

    /// @dev Returns the operation that 15 bytes mean, if they start one.
    function decode(bytes15 slot) internal pure returns (Operation memory operation) {
        uint120 word = uint120(slot);
        operation.payer = uint32(word >> 88);
        operation.payee = uint32(word >> 56);
        operation.amountMinor = uint48(word >> 8);
        operation.feeByte = uint8(word);
    }

    /// @dev The inverse of `decode`.
    function encode(Operation memory operation) internal pure returns (bytes15) {
        return bytes15(
            abi.encodePacked(
                operation.payer, operation.payee, operation.amountMinor, operation.feeByte
            )
        );
    }

    /// @dev Returns the fee that a fee byte means, in minor units: a decimal float with 5 bits of
    /// mantissa and 3 of exponent.
    function feeMinor(uint8 feeByte) internal pure returns (uint256) {
        return uint256(feeByte >> 3) * 10 ** (feeByte & 7);
    }

    /// @dev Returns the 15 bytes at a position of a chunk.
    function slotAt(bytes calldata chunk, uint256 position) internal pure returns (bytes15) {
        return bytes15(chunk[position * OPERATION_SIZE_BYTES:]);
    }

    /// @dev Returns what the *open account* in this and the next slot says; not of the last slot.
    function openingAt(bytes calldata chunk, uint256 position)
        internal
        pure
        returns (Opening memory opening)
    {
        uint256 start = position * OPERATION_SIZE_BYTES + OPENING_OFFSET_BYTES;
        opening.assetId = uint16(bytes2(chunk[start:]));
        opening.owner = address(bytes20(chunk[start + ASSET_ID_SIZE_BYTES:]));
    }

    /// @dev Returns the state root after a chunk's operations.
    function postRoot(bytes calldata chunk) internal pure returns (bytes32) {
        return bytes32(chunk[ROOT_OFFSET_BYTES:]);
    }

    /// @dev Returns whether an operation starts at `position`, and if so how many operations
    /// `payer` pays (payments and withdrawals) from there to the chunk's end.
    ///
    /// An *open account* takes two slots and the second is 15 bytes of somebody's choice, so only
    /// reading from the chunk's start tells which slots are operations. The caller has checked the
    /// chunk's size; `payer` must be an account (not BRIDGE or REGISTRY).
    function countFrom(bytes calldata chunk, uint256 position, uint32 payer)
        internal
        pure
        returns (bool isOperation, uint64 count)
    {
        // The plain version is in tests/forge/Operations.t.sol and costs ten times as much. All
        // that is read is in the chunk: its last slot is followed by a root of 32 bytes.
        assembly ("memory-safe") {
            let pointer := chunk.offset
            for { let i := 0 } lt(i, 64) { i := add(i, 1) } {
                let slotPayer := shr(224, calldataload(pointer))
                if eq(i, position) { isOperation := 1 }
                if eq(slotPayer, payer) { count := add(count, iszero(lt(i, position))) }
                pointer := add(pointer, 15)
                if eq(slotPayer, 1) {
                    i := add(i, 1)
                    pointer := add(pointer, 15)
                }
            }
        }
    }
}
