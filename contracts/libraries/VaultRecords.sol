// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title VaultRecords: what L1 keeps of money that comes in and goes out
library VaultRecords {
    bytes32 private constant DEPOSIT_TYPEHASH =
        keccak256("Deposit(uint16 assetId,address owner,bytes32 salt)");

    /// @dev Returns the chain of deposits with one more at its end.
    function depositHash(
        bytes32 previous,
        address token,
        uint16 assetId,
        address owner,
        uint48 amountMinor,
        uint64 tsS
    ) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(previous, token, assetId, owner, amountMinor, tsS));
    }

    /// @dev Returns the ERC-3009 nonce that binds an authorisation to what it is to be used for.
    function depositNonce(uint16 assetId, address owner, bytes32 salt)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(DEPOSIT_TYPEHASH, assetId, owner, salt));
    }

    /// @dev Returns the key under which a withdrawal is marked as claimed. An owner has one account
    /// of an asset, so owner, nonce and token name one operation; `amount` is in token base units.
    function claimKey(address owner, uint64 nonce, address token, uint256 amount)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encodePacked(owner, nonce, token, amount));
    }
}
