// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChallenges} from "./IChallenges.sol";
import {ICommittee} from "./ICommittee.sol";
import {IDepositGate} from "./IDepositGate.sol";
import {IDisputes} from "./IDisputes.sol";
import {IExits} from "./IExits.sol";

/// @title What the rollup reports, and what anybody can ask it
/// @notice Its events are enough to rebuild what it holds; its state is readable in full.
/// @dev Amounts, times and hashes are as `IRollup` says.
interface IRollupState {
    /// @notice Why the rollup ended.
    enum FreezeReason {
        ExitUnserved,
        DepositUnconsumed,
        Silence,
        RolledBackTwice
    }

    /// @notice An asset was listed; this can't be undone.
    event AssetListed(uint16 indexed assetId, address indexed token, uint64 unit, address feeOwner);
    /// @notice A deposit entered the queue; its money is in the vault.
    /// @param index Place in the queue, from 0.
    /// @param hash The chain of deposits up to and with this one: `depositHash(index + 1)`.
    event DepositQueued(
        uint64 indexed index,
        address indexed owner,
        uint16 indexed assetId,
        address token,
        uint48 amountMinor,
        uint64 tsS,
        bytes32 hash
    );
    /// @notice An owner authorised every order under a root; this can't be undone.
    /// @param index Place among all roots of all owners, from 0 without a gap: who reads these
    /// events sees by it that one is missing.
    event OrdersAuthorised(uint64 indexed index, address indexed owner, bytes32 root);
    /// @notice A batch was accepted. Header and chunks (or their hashes) are in the calldata of the
    /// transaction itself, since no contract can submit.
    event BatchPosted(
        uint64 indexed number,
        bytes32 indexed headerHash,
        bytes32 postRoot,
        uint64 acceptedTsS,
        uint256 signers
    );
    /// @notice A batch's window has passed: withdrawals can be claimed from it.
    event BatchSettled(uint64 indexed number);
    /// @notice A withdrawal was paid to its owner.
    /// @param nonce The payer's nonce before the operation: the one in his order.
    /// @param amount Token base units.
    /// @param key Under which the withdrawal is marked as claimed.
    event WithdrawalClaimed(
        address indexed owner,
        uint16 indexed assetId,
        bytes32 indexed key,
        uint64 nonce,
        address token,
        uint256 amount,
        uint64 batchNumber,
        uint256 slotNumber
    );
    /// @notice Fraud was proven in batch `number`: it and all batches after it are removed.
    /// @param prover Who earns the reward; 0 if nobody had committed to the proof.
    event RolledBack(uint64 indexed number, bytes32 indexed headerHash, address prover);
    /// @notice The rollup ended. What was accepted settles or falls; then everybody escapes.
    event Frozen(FreezeReason indexed reason, uint40 frozenTsS);
    /// @notice After the freeze, an account was paid out to its owner.
    event Escaped(
        uint32 indexed accountId,
        address indexed owner,
        uint16 indexed assetId,
        address token,
        uint256 amount
    );
    /// @notice The token didn't move: nothing has changed, and it can be tried again.
    event EscapeFailed(uint32 indexed accountId, address indexed owner);
    /// @notice After the freeze, a deposit that no settled batch consumed was paid back.
    event DepositRefunded(
        uint64 indexed index,
        address indexed owner,
        uint16 indexed assetId,
        address token,
        uint256 amount
    );
    /// @notice The token didn't move: nothing has changed, and it can be tried again.
    event RefundFailed(uint64 indexed index, address indexed owner);

    /* VIEWS */

    /// @notice Whose quorum certifies batches.
    function committee() external view returns (ICommittee);
    /// @notice Where forced exits are asked for.
    function exits() external view returns (IExits);
    /// @notice Where frauds are proven.
    function disputes() external view returns (IDisputes);
    /// @notice Where authorisations are challenged.
    function challenges() external view returns (IChallenges);
    /// @notice What lets deposits in.
    function gate() external view returns (IDepositGate);
    /// @notice Who may list assets.
    function lister() external view returns (address);
    /// @notice Seconds from a batch's acceptance until it can settle.
    function challengeWindow() external view returns (uint64);
    /// @notice Seconds to answer a challenge.
    function answerWindow() external view returns (uint64);
    /// @notice Seconds an exit may wait.
    function exitDeadline() external view returns (uint64);
    /// @notice Seconds a deposit may wait.
    function depositTimeout() external view returns (uint64);
    /// @notice Seconds without a batch.
    function silenceDeadline() external view returns (uint64);
    /// @notice The least gas price, in wei, that bonds and bounties are reckoned with.
    function gasPriceFloor() external view returns (uint256);
    /// @notice How many seconds a header's timestamp may be behind L1.
    function timestampLag() external view returns (uint64);
    /// @notice The state root of batch 0.
    function genesisRoot() external view returns (bytes32);

    /// @notice Number of the last accepted batch; 0 is genesis.
    function tip() external view returns (uint64);
    /// @notice Number of the last settled batch; 0 is genesis.
    function frontier() external view returns (uint64);
    /// @notice L1 time of the freeze; 0 if there was none.
    function frozenTsS() external view returns (uint40);
    /// @notice L1 time of the last roll-back; 0 if there was none.
    function rolledBackTsS() external view returns (uint64);
    /// @notice Length of the deposit queue.
    function depositCount() external view returns (uint64);
    /// @notice The chain of the first `count` deposits: H_count. H_0 = 0.
    function depositHash(uint64 count) external view returns (bytes32);
    /// @notice Whether the owner authorised the orders under the root.
    function isAuthorised(address owner, bytes32 root) external view returns (bool);
    /// @notice How many roots all owners have authorised.
    function authorisedRootCount() external view returns (uint64);
    /// @notice The word stored of a batch, 0 if none: keccak(header hash 32, L1 time of acceptance
    /// 8, signers 32).
    function batchSlot(uint64 number) external view returns (bytes32);
    /// @notice Who is to be paid the withdrawal keccak(owner 20, nonce 8, token 20, amount 32):
    /// 0 its owner, 1 nobody any more, else who advanced it.
    function claimantOf(bytes32 key) external view returns (address);
    /// @notice Whether an account was paid out after the freeze.
    function hasEscaped(uint32 accountId) external view returns (bool);
    /// @notice Whether a deposit was paid back after the freeze.
    function isRefunded(uint64 index) external view returns (bool);

    /// @notice The last asset's id; the first is 1.
    function assetCount() external view returns (uint16);
    /// @notice An asset; all zero if it is not listed. `outstandingMinor` is deposits less claims.
    function assets(uint16 assetId)
        external
        view
        returns (address token, uint64 unit, address feeOwner, uint64 outstandingMinor);
    /// @notice A token's asset id; 0 if it is not listed.
    function assetIdOf(address token) external view returns (uint16);

    /// @notice The EIP-712 domain separator; the fields are in `eip712Domain()`.
    function domainSeparator() external view returns (bytes32);
}
