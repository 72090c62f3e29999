// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRollup} from "./IRollup.sol";

/// @title Exits: leaving the ledger without asking anybody, or at once
/// @notice The owner of an account asks here for all its money. The committee must sweep the
/// account, or anybody may freeze the rollup and everybody escapes. No list, role, pause or
/// parameter can refuse a request or its consequences.
/// An instant exit sells a withdrawal to a provider, who pays at once and claims it later.
/// @dev Holds bounties only, in wei; the money is the rollup's. docs/PROTOCOL.md, section 8.
interface IExits {
    /// @notice What the owner of a withdrawal signs (EIP-712 type `Advance`) to be paid at once.
    struct Advance {
        address owner;
        uint64 nonce; // of the withdrawal's order
        address asset; // the token
        uint256 amount; // of the withdrawal, token base units, as is the fee
        uint256 fee; // what the provider keeps
        uint64 validUntil; // seconds
    }

    /// @notice The newest request for an account by an owner.
    struct ExitRequest {
        uint64 requestedTsS; // 0: none
        uint64 servedTsS; // L1 time of the showing; 0: not shown
        uint64 servedBatch; // number of the batch it was shown in
        address server; // who showed it
        bytes32 servedSlot; // that batch's stored word: the showing counts while it stands
        uint256 bountyWei; // 0 once it was credited
    }

    /// @notice An owner asked for an exit.
    /// @param index Place among all requests, from 0 without a gap.
    event ExitRequested(
        uint64 indexed index, uint32 indexed accountId, address indexed owner, uint256 bountyWei
    );
    /// @notice Somebody showed that the account no longer holds the owner's money.
    event ExitServed(
        uint32 indexed accountId, address indexed owner, uint64 batchNumber, address server
    );
    /// @notice The batch of the showing is settled: the bounty can be withdrawn.
    event BountyCredited(
        uint32 indexed accountId, address indexed owner, address indexed server, uint256 bountyWei
    );
    /// @notice A provider paid a withdrawal at once and is its claimant now.
    event Advanced(
        bytes32 indexed key,
        address indexed owner,
        address indexed provider,
        uint256 amount,
        uint256 fee
    );
    /// @notice Somebody drew what was credited to him.
    event BountyWithdrawn(address indexed server, uint256 amountWei);

    /// @notice The rollup is frozen: `escape` pays out instead.
    error RollupFrozen();
    /// @notice BRIDGE and REGISTRY are nobody's.
    error AccountReserved(uint32 accountId);
    /// @notice Only the account's owner asks for its exit.
    error SenderNotOwner(address expected, address actual);
    /// @notice There is nothing to take out.
    error BalanceZero(uint32 accountId);
    /// @notice The bounty is too small for whoever has to show that the exit was served.
    error BountyTooSmall(uint256 minimumWei, uint256 actualWei);
    /// @notice The last request is not served, or its showing is not settled yet.
    error ExitOpen(uint32 accountId, address owner);
    /// @notice Nobody asked for this exit.
    error ExitUnknown(uint32 accountId, address owner);
    /// @notice The exit was shown as served in a batch that stands.
    error ExitServedAlready(uint64 batchNumber);
    /// @notice The batch was accepted before the request, or in the same second.
    error BatchTooOld(uint64 requestedTsS, uint64 acceptedTsS);
    /// @notice The account still holds money of the owner after this chunk.
    error ExitNotServed(uint32 accountId, uint64 balanceMinor);
    /// @notice The batch of the showing is not settled.
    error ShowingNotSettled(uint64 frontier, uint64 batchNumber);
    /// @notice The owner's signature is not valid any more.
    error AdvanceExpired(uint256 validUntil, uint256 actualTsS);
    /// @notice The token is not listed.
    error TokenNotListed(address token);
    /// @notice The owner would get less than nothing.
    error FeeAboveAmount(uint256 amount, uint256 fee);
    /// @notice The owner did not sign this.
    error AdvanceNotSigned(address owner, bytes32 digest);

    /// @notice There is nothing to draw.
    error NothingOwed(address server);
    /// @notice The receiver refused the ether.
    error PaymentFailed(address receiver);

    /// @notice Asks for all money of the sender's account. Costs a bounty: at least `bounty()`.
    /// @param batch An accepted batch; the account is shown under its postRoot.
    function requestExit(IRollup.AcceptedBatch calldata batch, IRollup.LeafProof calldata account)
        external
        payable;

    /// @notice Shows, under a chunk's root of a later batch, that the exit was served. Anyone may.
    function showServed(
        address owner,
        IRollup.AcceptedBatch calldata batch,
        IRollup.ChunkProof calldata chunk,
        IRollup.LeafProof calldata account
    ) external;

    /// @notice Credits the bounty of a served exit once the batch of its showing is settled; after
    /// a freeze, that of one not served to its owner.
    function creditBounty(uint32 accountId, address owner) external;

    /// @notice Pays what was credited to the sender.
    function withdrawBounties() external;

    /// @notice Pays the owner of a withdrawal `amount - fee` from the sender's tokens, at once; the
    /// sender gets the whole when it is claimed.
    /// @dev Nothing shows that there is such a withdrawal, or that its batch will stand: that is
    /// the sender's risk. The key survives a roll-back, since a withdrawal that is posted again has
    /// the same. Contracts sign by ERC-1271.
    function advance(Advance calldata order, bytes calldata signature) external;

    /// @notice The least bounty of a request in this transaction, in wei.
    function bounty() external view returns (uint256);
    /// @notice The newest request of an owner for an account.
    function exitOf(uint32 accountId, address owner) external view returns (ExitRequest memory);
    /// @notice Length of the list of requests.
    function exitCount() external view returns (uint64);
    /// @notice What a server can draw, in wei.
    function owedWei(address server) external view returns (uint256);
    /// @notice Since when an exit has waited, by the later of its request and the last roll-back;
    /// 0 if there is none or it is served by a batch that stands.
    function waitingSince(uint32 accountId, address owner) external view returns (uint64);
    /// @notice Whether a sweep of the owner's account is authorised in a batch of this timestamp:
    /// until it is shown as served, and for `silenceDeadline` after that.
    function authorises(uint32 accountId, address owner, uint64 timestamp)
        external
        view
        returns (bool);
    /// @notice The rollup.
    function rollup() external view returns (IRollup);
}
