// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDisputes} from "../interfaces/IDisputes.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {Multiproofs} from "./Multiproofs.sol";
import {Operations} from "./Operations.sol";
import {VaultRecords} from "./VaultRecords.sol";

/// @title ChunkReading: what a chunk's operations do to accounts
/// @notice Reads any 992 bytes: whatever they hold is valid or not, and never makes it revert. It
/// reverts only where something is not shown that has to be read. docs/PROTOCOL.md, section 2.
library ChunkReading {
    using Multiproofs for IRollup.Leaf[];
    using Operations for bytes;

    uint256 internal constant FEE_ACCOUNTS_MAX = 4;
    uint32 internal constant FEE_PARTITION = 255;

    /// @dev How far the reading has come.
    struct Reading {
        IRollup rollup;
        uint64 depositCursor; // the batch's
        IRollup.Leaf[] leaves; // all that was shown, as it is by now
        uint256 depositsRead;
        uint256 feeAccountCount;
        uint16[FEE_ACCOUNTS_MAX] feeAssets; // whose fee accounts got fees
    }

    /// @dev Reads the operations in order up to the first invalid one and returns whether there was
    /// none. Changes `leaves` in place. `deposits` are the records that the chunk's deposits name.
    function read(
        Reading memory reading,
        bytes calldata chunk,
        IRollup.DepositRecord[] calldata deposits
    ) internal view returns (bool) {
        for (uint256 position = 0; position < Operations.CHUNK_SLOTS; ++position) {
            bytes15 slot = chunk.slotAt(position);
            if (slot == 0) continue;

            Operations.Operation memory operation = Operations.decode(slot);
            bool isValid;
            if (operation.payer == Operations.REGISTRY) {
                isValid = position + 1 < Operations.CHUNK_SLOTS
                    && _open(reading, operation.payee, chunk.openingAt(position));
                ++position;
            } else if (!_isShaped(operation)) {
                isValid = false;
            } else if (operation.payer == Operations.BRIDGE) {
                isValid = _deposit(reading, operation, deposits);
            } else {
                isValid = _pay(reading, operation);
            }
            if (!isValid) return false;
        }
        return true;
    }

    /// @dev The table's column of amounts, and who can't be paid.
    function _isShaped(Operations.Operation memory operation) private pure returns (bool) {
        return operation.payee != Operations.REGISTRY && operation.payer != operation.payee
            && operation.amountMinor > 0
            && (operation.payer != Operations.BRIDGE || operation.feeByte == 0);
    }

    /// @dev A payment or withdrawal.
    function _pay(Reading memory reading, Operations.Operation memory operation)
        private
        pure
        returns (bool)
    {
        IRollup.Leaf memory payer = reading.leaves.find(operation.payer);
        uint256 feeMinor = Operations.feeMinor(operation.feeByte);
        uint256 debitMinor = operation.amountMinor + feeMinor;
        if (
            payer.owner == address(0) || payer.balanceMinor < debitMinor
                || payer.nonce == type(uint64).max
        ) return false;
        payer.nonce += 1;
        payer.balanceMinor -= uint64(debitMinor);

        if (
            operation.payee != Operations.BRIDGE
                && !_credit(reading, operation.payee, payer.assetId, operation.amountMinor)
        ) return false;
        return feeMinor == 0 || _takeFee(reading, payer.assetId, feeMinor);
    }

    function _takeFee(Reading memory reading, uint16 assetId, uint256 feeMinor)
        private
        pure
        returns (bool)
    {
        uint256 place = 0;
        while (place < reading.feeAccountCount && reading.feeAssets[place] != assetId) ++place;
        if (place == FEE_ACCOUNTS_MAX) return false;
        if (place == reading.feeAccountCount) {
            reading.feeAssets[place] = assetId;
            reading.feeAccountCount = place + 1;
        }
        return _credit(reading, _feeAccount(assetId), assetId, feeMinor);
    }

    function _deposit(
        Reading memory reading,
        Operations.Operation memory operation,
        IRollup.DepositRecord[] calldata deposits
    ) private view returns (bool) {
        IRollup.Leaf memory bridge = reading.leaves.find(Operations.BRIDGE);
        uint64 index = bridge.nonce;
        if (bridge.owner == address(0) || index >= reading.depositCursor) return false;

        if (reading.depositsRead == deposits.length) revert IDisputes.DepositNotShown(index);
        IRollup.DepositRecord calldata record = deposits[reading.depositsRead++];
        _requireQueued(reading.rollup, index, record);
        if (operation.amountMinor != record.amountMinor) return false;
        bridge.nonce = index + 1;

        IRollup.Leaf memory payee = reading.leaves.find(operation.payee);
        return payee.owner == record.owner
            && _credit(reading, operation.payee, record.assetId, record.amountMinor);
    }

    function _open(Reading memory reading, uint32 accountId, Operations.Opening memory opening)
        private
        view
        returns (bool)
    {
        if (
            accountId < Operations.FIRST_ACCOUNT || opening.assetId == 0
                || opening.owner == address(0)
        ) return false;

        IRollup.Leaf memory account = reading.leaves.find(accountId);
        if (account.owner != address(0)) return false;
        if (accountId >> 24 == FEE_PARTITION) {
            // An asset that takes no fee, or isn't listed, has the fee owner 0.
            // slither-disable-next-line unused-return: the rest is not asked
            (,, address feeOwner,) = reading.rollup.assets(opening.assetId);
            if (opening.owner != feeOwner || accountId != _feeAccount(opening.assetId)) {
                return false;
            }
        }
        account.owner = opening.owner;
        account.assetId = opening.assetId;
        account.nonce = 0;
        account.balanceMinor = 0;
        return true;
    }

    function _credit(Reading memory reading, uint32 accountId, uint16 assetId, uint256 creditMinor)
        private
        pure
        returns (bool)
    {
        IRollup.Leaf memory account = reading.leaves.find(accountId);
        if (account.owner == address(0) || account.assetId != assetId) return false;
        uint256 balanceMinor = account.balanceMinor + creditMinor;
        if (balanceMinor > type(uint64).max) return false;
        account.balanceMinor = uint64(balanceMinor);
        return true;
    }

    function _requireQueued(IRollup rollup, uint64 index, IRollup.DepositRecord calldata record)
        private
        view
    {
        bytes32 hash = VaultRecords.depositHash(
            rollup.depositHash(index),
            record.token,
            record.assetId,
            record.owner,
            record.amountMinor,
            record.tsS
        );
        if (hash != rollup.depositHash(index + 1)) revert IRollup.DepositNotQueued(index);
    }

    function _feeAccount(uint16 assetId) private pure returns (uint32) {
        return (FEE_PARTITION << 24) | assetId;
    }
}
