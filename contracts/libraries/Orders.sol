// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Orders: EIP-712 struct hashes of what payers sign
/// @notice For contracts that check orders or sign them by ERC-1271; docs/PROTOCOL.md, section 4.
library Orders {
    bytes32 internal constant PAYMENT_TYPEHASH = keccak256(
        "PaymentOrder(address payer,address payee,address asset,uint256 amount,uint256 fee,"
        "uint64 nonce,uint64 validUntil,bytes32 memo,bytes32 link)"
    );
    bytes32 internal constant WITHDRAWAL_TYPEHASH = keccak256(
        "WithdrawalOrder(address payer,address asset,uint256 amount,uint256 fee,uint64 nonce,"
        "uint64 validUntil)"
    );

    struct PaymentOrder {
        address payer;
        address payee;
        address asset; // the token
        uint256 amount; // token base units, as is the fee
        uint256 fee;
        uint64 nonce;
        uint64 validUntil; // seconds
        bytes32 memo;
        bytes32 link; // 0, or what binds the legs of an atomic group
    }

    struct WithdrawalOrder {
        address payer;
        address asset;
        uint256 amount;
        uint256 fee;
        uint64 nonce;
        uint64 validUntil;
    }

    function structHash(PaymentOrder memory order) internal pure returns (bytes32) {
        return keccak256(abi.encode(PAYMENT_TYPEHASH, order));
    }

    function structHash(WithdrawalOrder memory order) internal pure returns (bytes32) {
        return keccak256(abi.encode(WITHDRAWAL_TYPEHASH, order));
    }

    /// @dev Returns the hash of the WithdrawalOrder that is written as a payment to nobody.
    function withdrawalHash(PaymentOrder memory order) internal pure returns (bytes32) {
        return structHash(
            WithdrawalOrder(
                order.payer, order.asset, order.amount, order.fee, order.nonce, order.validUntil
            )
        );
    }

    /// @dev Returns the link of an atomic group: each leg is hashed as if its link were 0.
    function groupLink(PaymentOrder[] memory legs) internal pure returns (bytes32) {
        bytes32[] memory legHashes = new bytes32[](legs.length);
        for (uint256 i = 0; i < legs.length; ++i) {
            bytes32 link = legs[i].link;
            legs[i].link = bytes32(0);
            legHashes[i] = structHash(legs[i]);
            legs[i].link = link;
        }
        return keccak256(abi.encodePacked(legHashes));
    }
}
