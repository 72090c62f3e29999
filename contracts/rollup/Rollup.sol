// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRollup} from "../interfaces/IRollup.sol";
import {IRollupState} from "../interfaces/IRollupState.sol";
import {Multiproofs} from "../libraries/Multiproofs.sol";
import {Operations} from "../libraries/Operations.sol";
import {VaultRecords} from "../libraries/VaultRecords.sol";
import {Withdrawals} from "../libraries/Withdrawals.sol";
import {BatchChain} from "./BatchChain.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title Rollup: holds the money and the ledger's batches
/// @notice There is no owner, pause or upgrade. A quorum of the committee says what the ledger
/// holds, and whoever watches can prove that it lied; the lister may add assets; the deposit gate
/// may refuse deposits. Here is how money leaves.
contract Rollup is BatchChain {
    using SafeERC20 for IERC20;

    /// @dev In place of a claimant: the withdrawal was paid.
    address private constant PAID = address(1);

    /// @inheritdoc IRollupState
    mapping(address owner => mapping(bytes32 root => bool)) public isAuthorised;
    /// @inheritdoc IRollupState
    mapping(bytes32 key => address) public claimantOf;
    /// @inheritdoc IRollupState
    mapping(uint32 accountId => bool) public hasEscaped;
    /// @inheritdoc IRollupState
    mapping(uint64 index => bool) public isRefunded;

    constructor(Parts memory parts, Windows memory windows) BatchChain(parts, windows) {}

    /* ORDERS */

    /// @inheritdoc IRollup
    function authorizeOrders(bytes32 root) external {
        if (root == bytes32(0)) revert RootZero();
        if (isAuthorised[msg.sender][root]) return;

        uint64 index = authorisedRootCount;
        authorisedRootCount = index + 1;
        isAuthorised[msg.sender][root] = true;
        emit OrdersAuthorised(index, msg.sender, root);
    }

    /* WITHDRAWALS */

    /// @inheritdoc IRollup
    function claimWithdrawal(AcceptedBatch calldata batch, WithdrawalProof calldata proof)
        external
        nonReentrant
    {
        _requireSettled(batch);
        (uint48 amountMinor, uint64 nonce) = Withdrawals.requireProven(batch.header, proof);
        Asset storage asset = assets[proof.assetId];
        address token = asset.token;
        if (token == address(0)) revert AssetUnknown(proof.assetId);
        if (proof.owner == address(0)) revert OwnerZero();
        uint256 amount = uint256(amountMinor) * asset.unit;
        bytes32 key = VaultRecords.claimKey(proof.owner, nonce, token, amount);
        address receiver = _markPaid(key, proof.owner);
        if (amountMinor > asset.outstandingMinor) {
            revert VaultShort(asset.outstandingMinor, amountMinor);
        }

        asset.outstandingMinor -= amountMinor;
        emit WithdrawalClaimed(
            proof.owner,
            proof.assetId,
            key,
            nonce,
            token,
            amount,
            batch.header.number,
            proof.slotNumber
        );

        IERC20(token).safeTransfer(receiver, amount);
    }

    /// @inheritdoc IRollup
    function assignClaim(bytes32 key, address provider) external {
        if (msg.sender != address(exits)) revert SenderNotExits(address(exits), msg.sender);
        if (claimantOf[key] != address(0)) revert AlreadyClaimed(key);
        claimantOf[key] = provider;
    }

    /* AFTER A FREEZE */

    /// @inheritdoc IRollup
    function escape(AcceptedBatch calldata batch, Multiproof calldata accounts)
        external
        nonReentrant
    {
        _requireLastWord();
        if (frontier == 0) revert BatchNotSettled(0, batch.header.number);
        _requireAcceptedAs(frontier, batch);
        Multiproofs.requireRoot(accounts.leaves, accounts.siblings, batch.header.postRoot);

        for (uint256 i = 0; i < accounts.leaves.length; ++i) {
            Leaf calldata leaf = accounts.leaves[i];
            if (leaf.accountId < Operations.FIRST_ACCOUNT) revert AccountReserved(leaf.accountId);
            // Whatever else is shown of an empty leaf is nobody's, and proven by nothing.
            if (leaf.owner == address(0) || leaf.balanceMinor == 0) continue;
            if (hasEscaped[leaf.accountId]) continue;

            hasEscaped[leaf.accountId] = true;
            (bool isPaid, address token, uint256 amount) =
                _tryPay(leaf.assetId, leaf.owner, leaf.balanceMinor);
            if (isPaid) {
                emit Escaped(leaf.accountId, leaf.owner, leaf.assetId, token, amount);
            } else {
                hasEscaped[leaf.accountId] = false;
                emit EscapeFailed(leaf.accountId, leaf.owner);
            }
        }
    }

    /// @inheritdoc IRollup
    function refund(
        AcceptedBatch calldata batch,
        uint64 firstIndex,
        DepositRecord[] calldata records
    ) external nonReentrant {
        _requireLastWord();
        uint64 cursor = _cursorAt(frontier, batch);
        if (firstIndex < cursor) revert DepositConsumed(cursor, firstIndex);

        for (uint256 i = 0; i < records.length; ++i) {
            DepositRecord calldata record = records[i];
            uint64 index = firstIndex + uint64(i);
            _requireDeposit(index, record);
            if (isRefunded[index]) continue;

            isRefunded[index] = true;
            (bool isPaid, address token, uint256 amount) =
                _tryPay(record.assetId, record.owner, record.amountMinor);
            if (isPaid) {
                emit DepositRefunded(index, record.owner, record.assetId, token, amount);
            } else {
                isRefunded[index] = false;
                emit RefundFailed(index, record.owner);
            }
        }
    }

    /* INTERNAL */

    /// @dev Returns whom the withdrawal pays; it was paid from here on.
    function _markPaid(bytes32 key, address owner) private returns (address receiver) {
        receiver = claimantOf[key];
        if (receiver == PAID) revert AlreadyClaimed(key);
        if (receiver == address(0)) receiver = owner;
        claimantOf[key] = PAID;
    }

    /// @dev No batch can come any more, and none can fall: the settled root is the last one.
    function _requireLastWord() private view {
        if (frozenTsS == 0) revert RollupNotFrozen();
        if (frontier != tip) revert BatchNotSettled(frontier, tip);
    }

    /// @dev Pays unless the token refuses or the vault has not got it; then nothing has changed.
    /// The lock is held, so a token that calls back finds no function of ours open.
    function _tryPay(uint16 assetId, address owner, uint64 amountMinor)
        private
        returns (bool isPaid, address token, uint256 amount)
    {
        Asset storage asset = assets[assetId];
        uint64 outstandingMinor = asset.outstandingMinor;
        if (amountMinor > outstandingMinor) return (false, address(0), 0);

        token = asset.token;
        amount = uint256(amountMinor) * asset.unit;
        asset.outstandingMinor = outstandingMinor - amountMinor;
        isPaid = IERC20(token).trySafeTransfer(owner, amount);
        if (!isPaid) asset.outstandingMinor = outstandingMinor;
    }
}
