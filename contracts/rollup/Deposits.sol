// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDepositGate} from "../interfaces/IDepositGate.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {IRollupState} from "../interfaces/IRollupState.sol";
import {VaultRecords} from "../libraries/VaultRecords.sol";
import {IERC3009} from "@openzeppelin/contracts/interfaces/draft-IERC3009.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @title Deposits: the half of the rollup that takes money in
/// @notice The lister may add assets; the deposit gate may refuse deposits.
abstract contract Deposits is IRollup, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    struct Asset {
        address token;
        uint64 unit;
        address feeOwner;
        uint64 outstandingMinor;
    }

    uint256 private constant AMOUNT_MINOR_MAX = type(uint48).max;
    /// @dev So that no balance in the ledger can pass a u64, fees and all.
    uint256 private constant OUTSTANDING_MINOR_MAX = 2 ** 63 - 1;

    /// @inheritdoc IRollupState
    IDepositGate public immutable gate;
    /// @inheritdoc IRollupState
    address public immutable lister;

    /// @inheritdoc IRollupState
    mapping(uint16 assetId => Asset) public assets;
    /// @inheritdoc IRollupState
    mapping(address token => uint16 assetId) public assetIdOf;
    /// @inheritdoc IRollupState
    mapping(uint64 count => bytes32) public depositHash;

    // These share a slot with the first ones of BatchChain.
    /// @inheritdoc IRollupState
    uint64 public depositCount;
    /// @inheritdoc IRollupState
    uint16 public assetCount;
    /// @inheritdoc IRollupState
    uint40 public frozenTsS;

    constructor(IDepositGate gate_, address lister_) {
        gate = gate_;
        lister = lister_;
    }

    /* DEPOSITS */

    /// @inheritdoc IRollup
    function deposit(uint16 assetId, address owner, uint256 amount, bytes calldata evidence)
        external
        nonReentrant
    {
        _pull(_record(assetId, msg.sender, owner, amount, evidence), amount);
    }

    /// @inheritdoc IRollup
    function depositWithPermit(
        uint16 assetId,
        address owner,
        uint256 amount,
        bytes calldata evidence,
        uint256 deadlineTsS,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant {
        address token = assets[assetId].token;
        if (token == address(0)) revert AssetUnknown(assetId);

        // Whatever becomes of the permit, the allowance decides. This call comes before the checks
        // and is harmless: the lock is held and nothing has been read that it could change.
        // slither-disable-next-line reentrancy-no-eth
        try IERC20Permit(token).permit(msg.sender, address(this), amount, deadlineTsS, v, r, s) {}
            catch {}
        _pull(_record(assetId, msg.sender, owner, amount, evidence), amount);
    }

    /// @inheritdoc IRollup
    function depositWithAuthorization(
        uint16 assetId,
        address owner,
        uint256 amount,
        bytes calldata evidence,
        Authorization calldata authorization
    ) external nonReentrant {
        IERC20 token = _record(assetId, authorization.from, owner, amount, evidence);
        bytes32 nonce = VaultRecords.depositNonce(assetId, owner, authorization.salt);
        _receive(token, amount, nonce, authorization);
    }

    /* LISTING */

    /// @inheritdoc IRollup
    function listAsset(address token, uint64 unit, address feeOwner)
        external
        returns (uint16 assetId)
    {
        if (msg.sender != lister) revert SenderNotLister(lister, msg.sender);
        if (token.code.length == 0) revert TokenWithoutCode(token);
        if (assetIdOf[token] != 0) revert TokenAlreadyListed(token, assetIdOf[token]);
        if (unit == 0) revert UnitZero();

        // Checked: the 65,536th listing reverts.
        assetId = ++assetCount;
        assetIdOf[token] = assetId;
        assets[assetId] = Asset(token, unit, feeOwner, 0);
        emit AssetListed(assetId, token, unit, feeOwner);
    }

    /* INTERNAL */

    function _requireNotFrozen() internal view {
        if (frozenTsS != 0) revert RollupFrozen(frozenTsS);
    }

    /// @dev All of a deposit but its tokens, which are still to be taken: returns which.
    function _record(
        uint16 assetId,
        address depositor,
        address owner,
        uint256 amount,
        bytes calldata evidence
    ) private returns (IERC20) {
        _requireNotFrozen();
        Asset storage asset = assets[assetId];
        (address token, uint256 unit) = (asset.token, asset.unit);
        if (token == address(0)) revert AssetUnknown(assetId);
        if (owner == address(0)) revert OwnerZero();
        if (amount % unit != 0) revert AmountNotMultiple(unit, amount);
        uint256 amountMinor = amount / unit;
        if (amountMinor == 0 || amountMinor > AMOUNT_MINOR_MAX) {
            revert DepositOutOfRange(1, AMOUNT_MINOR_MAX, amountMinor);
        }
        uint256 outstandingMinor = asset.outstandingMinor + amountMinor;
        if (outstandingMinor > OUTSTANDING_MINOR_MAX) {
            revert AssetFull(OUTSTANDING_MINOR_MAX, outstandingMinor);
        }

        asset.outstandingMinor = uint64(outstandingMinor);
        _queue(assetId, owner, token, uint48(amountMinor));

        gate.requireDeposit(depositor, owner, assetId, amountMinor, evidence);
        return IERC20(token);
    }

    function _queue(uint16 assetId, address owner, address token, uint48 amountMinor) private {
        uint64 index = depositCount;
        uint64 tsS = uint64(block.timestamp);
        bytes32 hash =
            VaultRecords.depositHash(depositHash[index], token, assetId, owner, amountMinor, tsS);

        depositCount = index + 1;
        depositHash[index + 1] = hash;
        emit DepositQueued(index, owner, assetId, token, amountMinor, tsS, hash);
    }

    /// @dev Takes tokens from the sender and insists on getting all of them.
    function _pull(IERC20 token, uint256 amount) private {
        uint256 balance = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        _requireGrown(token, balance + amount);
    }

    /// @dev Takes tokens from whoever signed for them and insists on getting all of them: a token
    /// that answers unknown calls in silence has moved none.
    function _receive(
        IERC20 token,
        uint256 amount,
        bytes32 nonce,
        Authorization calldata authorization
    ) private {
        uint256 balance = token.balanceOf(address(this));
        IERC3009(address(token))
            .receiveWithAuthorization(
                authorization.from,
                address(this),
                amount,
                authorization.validAfter,
                authorization.validBefore,
                nonce,
                authorization.v,
                authorization.r,
                authorization.s
            );
        _requireGrown(token, balance + amount);
    }

    function _requireGrown(IERC20 token, uint256 expected) private view {
        uint256 balance = token.balanceOf(address(this));
        if (balance != expected) revert VaultBalanceMismatch(expected, balance);
    }
}
