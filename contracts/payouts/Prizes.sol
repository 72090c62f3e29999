// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPrizes} from "../interfaces/IPrizes.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {Escrow} from "../libraries/Escrow.sol";
import {PrizePurse} from "./PrizePurse.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";

/// @title Prizes: keeps sponsors' prizes until they are claimed
/// @notice There is no owner, pause or upgrade. The powers of a prize's sponsor: he takes back what
/// was not claimed by the deadline, and nothing else.
contract Prizes is IPrizes, ReentrancyGuardTransient {
    using BitMaps for BitMaps.BitMap;
    using SafeERC20 for IERC20;

    /// @inheritdoc IPrizes
    IRollup public immutable rollup;

    mapping(bytes32 prizeId => Prize) private _prizes;
    mapping(bytes32 prizeId => BitMaps.BitMap) private _claimed;

    constructor(IRollup rollup_) {
        rollup = rollup_;
    }

    /* CREATION */

    /// @inheritdoc IPrizes
    function createPrize(
        uint16 assetId,
        Payout payout,
        bytes32 root,
        uint64 totalMinor,
        uint64 deadlineTsS,
        bytes32 termsHash,
        bytes32 salt,
        bytes calldata evidence
    ) external nonReentrant returns (bytes32 prizeId) {
        prizeId = prizeIdOf(msg.sender, salt);
        if (_prizes[prizeId].sponsor != address(0)) revert PrizeExists(prizeId);
        if (root == bytes32(0)) revert IRollup.RootZero();
        if (totalMinor == 0) revert AmountZero();
        if (block.timestamp > deadlineTsS) revert DeadlinePassed(deadlineTsS, block.timestamp);
        (IERC20 token, uint256 unit) = Escrow.assetOf(rollup, assetId);

        bool isByOrders = payout == Payout.Orders;
        _prizes[prizeId] = Prize({
            sponsor: msg.sender,
            assetId: assetId,
            payout: payout,
            deadlineTsS: deadlineTsS,
            remainingMinor: isByOrders ? 0 : totalMinor,
            root: root,
            termsHash: termsHash
        });
        emit PrizeCreated(
            prizeId,
            msg.sender,
            assetId,
            payout,
            root,
            totalMinor,
            deadlineTsS,
            termsHash,
            isByOrders ? purseOf(prizeId) : address(0)
        );

        Escrow.pull(token, totalMinor * unit);
        // For ever: the rollup takes only from who calls it or signed, and this signs nothing.
        token.forceApprove(address(rollup), type(uint256).max);
        if (isByOrders) _fillPurse(prizeId, totalMinor * unit, evidence);
    }

    /* CLAIMS */

    /// @inheritdoc IPrizes
    function claim(
        bytes32 prizeId,
        uint256 index,
        address person,
        uint48 amountMinor,
        bytes32[] calldata proof
    ) external nonReentrant {
        Prize storage prize = _requireClaimable(prizeId);
        if (block.timestamp > prize.deadlineTsS) {
            revert DeadlinePassed(prize.deadlineTsS, block.timestamp);
        }
        bytes32 leaf = _leaf(prizeId, index, person, amountMinor);
        if (!MerkleProof.verifyCalldata(proof, prize.root, leaf)) {
            revert EntryNotInPrize(prizeId, index);
        }
        if (_claimed[prizeId].get(index)) revert EntryClaimed(prizeId, index);
        uint64 remainingMinor = prize.remainingMinor;
        if (amountMinor > remainingMinor) revert PrizeShort(remainingMinor, amountMinor);

        _claimed[prizeId].set(index);
        prize.remainingMinor = remainingMinor - amountMinor;
        emit PrizeClaimed(prizeId, index, person, amountMinor);

        (IERC20 token, uint256 unit) = Escrow.assetOf(rollup, prize.assetId);
        if (prize.payout == Payout.Wallet) {
            token.safeTransfer(person, amountMinor * unit);
        } else {
            rollup.deposit(prize.assetId, person, amountMinor * unit, "");
        }
    }

    /// @inheritdoc IPrizes
    function withdrawRest(bytes32 prizeId) external nonReentrant {
        Prize storage prize = _requireClaimable(prizeId);
        address sponsor = prize.sponsor;
        if (msg.sender != sponsor) revert SenderNotSponsor(sponsor, msg.sender);
        if (block.timestamp <= prize.deadlineTsS) {
            revert DeadlineNotPassed(prize.deadlineTsS, block.timestamp);
        }
        uint64 amountMinor = prize.remainingMinor;
        if (amountMinor == 0) revert AmountZero();

        prize.remainingMinor = 0;
        emit RestWithdrawn(prizeId, sponsor, amountMinor);

        (IERC20 token, uint256 unit) = Escrow.assetOf(rollup, prize.assetId);
        token.safeTransfer(sponsor, amountMinor * unit);
    }

    /* INTERNAL */

    /// @dev The purse is made here and not before, but its address can be known before: orders name
    /// it as their payer.
    function _fillPurse(bytes32 prizeId, uint256 amount, bytes calldata evidence) private {
        Prize storage prize = _prizes[prizeId];
        PrizePurse purse = new PrizePurse{salt: prizeId}();
        rollup.deposit(prize.assetId, address(purse), amount, evidence);
        purse.authorizeOrders(rollup, prize.root);
    }

    function _requireClaimable(bytes32 prizeId) private view returns (Prize storage prize) {
        prize = _prizes[prizeId];
        if (prize.sponsor == address(0)) revert PrizeUnknown(prizeId);
        if (prize.payout == Payout.Orders) revert PaidByOrders(prizeId);
    }

    /// @dev Hashed twice, so that no inner node can pass for an entry.
    function _leaf(bytes32 prizeId, uint256 index, address person, uint48 amountMinor)
        private
        pure
        returns (bytes32)
    {
        bytes32 inner = keccak256(abi.encode(prizeId, index, person, amountMinor));
        return keccak256(abi.encode(inner));
    }

    /* VIEWS */

    /// @inheritdoc IPrizes
    function prizeOf(bytes32 prizeId) external view returns (Prize memory) {
        return _prizes[prizeId];
    }

    /// @inheritdoc IPrizes
    function isClaimed(bytes32 prizeId, uint256 index) external view returns (bool) {
        return _claimed[prizeId].get(index);
    }

    /// @inheritdoc IPrizes
    function prizeIdOf(address sponsor, bytes32 salt) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), sponsor, salt));
    }

    /// @inheritdoc IPrizes
    function purseOf(bytes32 prizeId) public view returns (address) {
        // slither-disable-next-line too-many-digits: the compiler writes them, as bytecode
        return Create2.computeAddress(prizeId, keccak256(type(PrizePurse).creationCode));
    }
}
