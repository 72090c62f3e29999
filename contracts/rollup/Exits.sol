// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IExits} from "../interfaces/IExits.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {Chunks} from "../libraries/Chunks.sol";
import {Operations} from "../libraries/Operations.sol";
import {StateTree} from "../libraries/StateTree.sol";
import {VaultRecords} from "../libraries/VaultRecords.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Exits: who wants to leave, and who was let go
/// @notice Nobody has power here but owners over their own requests. It holds bounties alone.
contract Exits is IExits {
    using Operations for bytes;
    using SafeERC20 for IERC20;

    bytes32 private constant ADVANCE_TYPEHASH = keccak256(
        "Advance(address owner,uint64 nonce,address asset,uint256 amount,uint256 fee,"
        "uint64 validUntil)"
    );
    /// @dev Four times what showing that an exit was served costs.
    uint256 private constant BOUNTY_GAS = 4 * 300_000;

    /// @inheritdoc IExits
    IRollup public immutable rollup;

    /// @inheritdoc IExits
    uint64 public exitCount;
    mapping(uint32 accountId => mapping(address owner => ExitRequest)) private _requests;
    /// @inheritdoc IExits
    mapping(address server => uint256) public owedWei;

    constructor(IRollup rollup_) {
        rollup = rollup_;
    }

    /* FORCED EXIT */

    /// @inheritdoc IExits
    function requestExit(IRollup.AcceptedBatch calldata batch, IRollup.LeafProof calldata account)
        external
        payable
    {
        uint32 accountId = account.accountId;
        if (rollup.frozenTsS() != 0) revert RollupFrozen();
        if (accountId < Operations.FIRST_ACCOUNT) revert AccountReserved(accountId);
        if (account.owner != msg.sender) revert SenderNotOwner(account.owner, msg.sender);
        if (account.balanceMinor == 0) revert BalanceZero(accountId);
        if (msg.value < bounty()) revert BountyTooSmall(bounty(), msg.value);
        // slither-disable-next-line unused-return: it reverts, the slot is not asked
        rollup.requireStanding(batch);
        StateTree.requireLeaf(account, batch.header.postRoot);
        ExitRequest storage request = _requests[accountId][msg.sender];
        if (request.requestedTsS != 0) _close(accountId, msg.sender, request);

        uint64 index = exitCount;
        exitCount = index + 1;
        _requests[accountId][msg.sender] =
            ExitRequest(uint64(block.timestamp), 0, 0, address(0), 0, msg.value);
        emit ExitRequested(index, accountId, msg.sender, msg.value);
    }

    /// @inheritdoc IExits
    function showServed(
        address owner,
        IRollup.AcceptedBatch calldata batch,
        IRollup.ChunkProof calldata chunk,
        IRollup.LeafProof calldata account
    ) external {
        ExitRequest storage request = _requests[account.accountId][owner];
        if (request.requestedTsS == 0) revert ExitUnknown(account.accountId, owner);
        if (_isServed(request)) revert ExitServedAlready(request.servedBatch);
        if (batch.acceptedTsS <= request.requestedTsS) {
            revert BatchTooOld(request.requestedTsS, batch.acceptedTsS);
        }
        bytes32 slot = rollup.requireStanding(batch);
        Chunks.requireInBatch(batch.header, chunk);
        StateTree.requireLeaf(account, chunk.chunk.postRoot());
        if (account.owner == owner && account.balanceMinor != 0) {
            revert ExitNotServed(account.accountId, account.balanceMinor);
        }

        request.servedTsS = uint64(block.timestamp);
        request.servedBatch = batch.header.number;
        request.server = msg.sender;
        request.servedSlot = slot;
        emit ExitServed(account.accountId, owner, batch.header.number, msg.sender);
    }

    /// @inheritdoc IExits
    function creditBounty(uint32 accountId, address owner) external {
        ExitRequest storage request = _requests[accountId][owner];
        if (request.requestedTsS == 0) revert ExitUnknown(accountId, owner);
        if (rollup.frozenTsS() != 0 && !_isServed(request)) {
            // Nobody will serve it any more, and the owner escapes.
            _credit(accountId, owner, owner, request);
        } else {
            _close(accountId, owner, request);
        }
    }

    /// @inheritdoc IExits
    function withdrawBounties() external {
        uint256 amountWei = owedWei[msg.sender];
        if (amountWei == 0) revert NothingOwed(msg.sender);

        owedWei[msg.sender] = 0;
        emit BountyWithdrawn(msg.sender, amountWei);

        (bool isPaid,) = msg.sender.call{value: amountWei}("");
        if (!isPaid) revert PaymentFailed(msg.sender);
    }

    /* INSTANT EXIT */

    /// @inheritdoc IExits
    function advance(Advance calldata order, bytes calldata signature) external {
        if (block.timestamp > order.validUntil) {
            revert AdvanceExpired(order.validUntil, block.timestamp);
        }
        if (rollup.assetIdOf(order.asset) == 0) revert TokenNotListed(order.asset);
        if (order.fee > order.amount) revert FeeAboveAmount(order.amount, order.fee);
        bytes32 digest = MessageHashUtils.toTypedDataHash(
            rollup.domainSeparator(), keccak256(abi.encode(ADVANCE_TYPEHASH, order))
        );
        if (!SignatureChecker.isValidSignatureNow(order.owner, digest, signature)) {
            revert AdvanceNotSigned(order.owner, digest);
        }
        bytes32 key = VaultRecords.claimKey(order.owner, order.nonce, order.asset, order.amount);

        // slither-disable-next-line reentrancy-events: there the rollup calls nobody
        rollup.assignClaim(key, msg.sender);
        emit Advanced(key, order.owner, msg.sender, order.amount, order.fee);

        IERC20(order.asset).safeTransferFrom(msg.sender, order.owner, order.amount - order.fee);
    }

    /* VIEWS */

    /// @inheritdoc IExits
    function bounty() public view returns (uint256) {
        return BOUNTY_GAS * Math.max(block.basefee, rollup.gasPriceFloor());
    }

    /// @inheritdoc IExits
    function exitOf(uint32 accountId, address owner) external view returns (ExitRequest memory) {
        return _requests[accountId][owner];
    }

    /// @inheritdoc IExits
    function waitingSince(uint32 accountId, address owner) external view returns (uint64) {
        ExitRequest storage request = _requests[accountId][owner];
        uint64 requestedTsS = request.requestedTsS;
        if (requestedTsS == 0 || _isServed(request)) return 0;

        uint64 rolledBackTsS = rollup.rolledBackTsS();
        return requestedTsS > rolledBackTsS ? requestedTsS : rolledBackTsS;
    }

    /// @inheritdoc IExits
    function authorises(uint32 accountId, address owner, uint64 timestamp)
        external
        view
        returns (bool)
    {
        ExitRequest storage request = _requests[accountId][owner];
        if (request.requestedTsS == 0) return false;
        return !_isServed(request) || timestamp <= request.servedTsS + rollup.silenceDeadline();
    }

    /* INTERNAL */

    /// @dev The showing counts while its batch stands.
    function _isServed(ExitRequest storage request) private view returns (bool) {
        uint64 number = request.servedBatch;
        return request.servedTsS != 0 && number <= rollup.tip()
            && rollup.batchSlot(number) == request.servedSlot;
    }

    /// @dev Credits the bounty; reverts unless the exit is served in a settled batch.
    function _close(uint32 accountId, address owner, ExitRequest storage request) private {
        if (!_isServed(request)) revert ExitOpen(accountId, owner);
        uint64 frontier = rollup.frontier();
        if (frontier < request.servedBatch) {
            revert ShowingNotSettled(frontier, request.servedBatch);
        }

        _credit(accountId, owner, request.server, request);
    }

    function _credit(uint32 accountId, address owner, address receiver, ExitRequest storage request)
        private
    {
        uint256 bountyWei = request.bountyWei;
        if (bountyWei == 0) return;

        request.bountyWei = 0;
        owedWei[receiver] += bountyWei;
        emit BountyCredited(accountId, owner, receiver, bountyWei);
    }
}
