// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChallenges} from "../interfaces/IChallenges.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {Multiproofs} from "./Multiproofs.sol";
import {Operations} from "./Operations.sol";
import {Orders} from "./Orders.sol";

/// @title OrderFitting: whether an order is the one that a slot executed
/// @notice docs/PROTOCOL.md, section 9, 5.
library OrderFitting {
    using Multiproofs for IRollup.Leaf[];
    using Operations for bytes;

    uint256 internal constant GROUP_LEGS_MAX = 8;

    /// @dev What an order is held against, besides the chunk.
    struct Scene {
        IRollup rollup;
        uint64 timestamp; // the header's
        IRollup.Leaf[] leaves; // proven under the chunk's root
    }

    /// @dev Returns the payment or withdrawal in a slot of the chunk, and how many operations its
    /// payer pays from there to the chunk's end.
    function orderedAt(bytes calldata chunk, uint256 slotNumber)
        internal
        pure
        returns (Operations.Operation memory operation, uint64 count)
    {
        uint256 position = slotNumber % Operations.CHUNK_SLOTS;
        operation = Operations.decode(chunk.slotAt(position));
        bool isOperation;
        (isOperation, count) = chunk.countFrom(position, operation.payer);
        if (!isOperation) revert IRollup.SlotIsSecondHalf(slotNumber);
        bool isOrdered = operation.payer >= Operations.FIRST_ACCOUNT
            && operation.payee != Operations.REGISTRY && operation.payee != operation.payer
            && operation.amountMinor > 0;
        if (isOrdered) return (operation, count);
        revert IChallenges.SlotNotOrder(operation.payer, operation.payee, operation.amountMinor);
    }

    /// @dev Reverts unless the orders of the answer fit their slots: one alone, or the legs of a
    /// group side by side.
    function requireFit(
        Scene memory scene,
        bytes calldata chunk,
        IChallenges.Answer calldata answer
    ) internal view {
        uint256 slotNumber = answer.slotNumber;
        uint256 count = answer.legs.length;
        uint256 position = slotNumber % Operations.CHUNK_SLOTS;
        _require(answer.leg < count && count <= GROUP_LEGS_MAX, slotNumber, "legs");
        _require(answer.leg <= position, slotNumber, "leg");
        _require(position - answer.leg + count <= Operations.CHUNK_SLOTS, slotNumber, "leg");

        bytes32 link = count == 1 ? bytes32(0) : Orders.groupLink(answer.legs);
        for (uint256 i = 0; i < count; ++i) {
            _requireFits(scene, chunk, slotNumber - answer.leg + i, answer.legs[i], link);
        }
    }

    function _requireFits(
        Scene memory scene,
        bytes calldata chunk,
        uint256 slotNumber,
        Orders.PaymentOrder calldata order,
        bytes32 link
    ) private view {
        (Operations.Operation memory operation, uint64 count) = orderedAt(chunk, slotNumber);
        IRollup.Leaf memory payer = scene.leaves.find(operation.payer);
        // slither-disable-next-line unused-return: the rest is not asked
        (address token, uint256 unit,,) = scene.rollup.assets(payer.assetId);

        _require(order.payer == payer.owner, slotNumber, "payer");
        _require(order.asset == token, slotNumber, "asset");
        _require(order.amount == operation.amountMinor * unit, slotNumber, "amount");
        uint256 feeMinor = Operations.feeMinor(operation.feeByte);
        _require(order.fee == feeMinor * unit, slotNumber, "fee");
        // The leaf counts what the payer did to the chunk's end; the order was signed before.
        _require(uint256(order.nonce) + count == payer.nonce, slotNumber, "nonce");
        _require(order.validUntil >= scene.timestamp, slotNumber, "validUntil");
        _require(order.link == link, slotNumber, "link");
        if (operation.payee == Operations.BRIDGE) {
            _require(order.payee == address(0), slotNumber, "payee");
            _require(order.memo == 0 && link == 0, slotNumber, "memo");
        } else {
            address payee = scene.leaves.find(operation.payee).owner;
            _require(order.payee == payee && payee != address(0), slotNumber, "payee");
        }
    }

    function _require(bool holds, uint256 slotNumber, bytes32 field) private pure {
        if (!holds) revert IChallenges.OrderMismatch(slotNumber, field);
    }
}
