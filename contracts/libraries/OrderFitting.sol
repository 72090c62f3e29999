// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChallenges} from "../interfaces/IChallenges.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {Multiproofs} from "./Multiproofs.sol";
import {Operations} from "./Operations.sol";
import {Orders} from "./Orders.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

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

    /// @dev Reverts unless each of these positions holds a payment or withdrawal, and returns how
    /// many they are. `firstSlot` is the chunk's.
    function requireOrders(bytes calldata chunk, uint256 firstSlot, uint64 named)
        internal
        pure
        returns (uint256 count)
    {
        for (uint256 i = 0; i < Operations.CHUNK_SLOTS; ++i) {
            bytes15 slot = chunk.slotAt(i);
            if ((named >> i) & 1 == 1) {
                _requireOrdered(Operations.decode(slot));
                ++count;
            }
            if (uint32(bytes4(slot)) == Operations.REGISTRY) {
                ++i;
                if ((named >> i) & 1 == 1) revert IRollup.SlotIsSecondHalf(firstSlot + i);
            }
        }
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
        _requireOrdered(operation);
    }

    /// @dev Returns the positions of an answer's operations in their chunk: bit p is position p.
    function positions(IChallenges.Answer calldata answer) internal pure returns (uint64) {
        uint256 first = answer.slotNumber % Operations.CHUNK_SLOTS;
        uint256 count = Math.max(1, answer.legs.length); // a sweep has no order
        bool isInChunk = count <= GROUP_LEGS_MAX && first + count <= Operations.CHUNK_SLOTS;
        _require(isInChunk, answer.slotNumber, "legs");
        return uint64(((1 << count) - 1) << first);
    }

    /// @dev Reverts unless the orders of the answer fit their slots: one alone, or the legs of a
    /// group side by side.
    function requireFit(
        Scene memory scene,
        bytes calldata chunk,
        IChallenges.Answer calldata answer
    ) internal view {
        uint256 count = answer.legs.length;
        _require(answer.authorisations.length == count, answer.slotNumber, "authorisations");
        bytes32 link = count == 1 ? bytes32(0) : Orders.groupLink(answer.legs);
        for (uint256 i = 0; i < count; ++i) {
            _requireFits(scene, chunk, answer.slotNumber + i, answer.legs[i], link);
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

    function _requireOrdered(Operations.Operation memory operation) private pure {
        bool isOrdered = operation.payer >= Operations.FIRST_ACCOUNT
            && operation.payee != Operations.REGISTRY && operation.payee != operation.payer
            && operation.amountMinor > 0;
        if (isOrdered) return;
        revert IChallenges.SlotNotOrder(operation.payer, operation.payee, operation.amountMinor);
    }

    function _require(bool holds, uint256 slotNumber, bytes32 field) private pure {
        if (!holds) revert IChallenges.OrderMismatch(slotNumber, field);
    }
}
