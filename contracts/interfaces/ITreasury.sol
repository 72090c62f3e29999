// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ISpendingPolicy} from "./ISpendingPolicy.sol";

/// @title Money and powers that no single person can use
/// @notice Signers propose calls and approve them; the treasury makes the calls once the approvals
/// weigh enough for what they spend. A signer is an address (a key's, or a contract's by ERC-1271)
/// or an ERC-7913 verifier ‖ key, such as a passkey.
///
/// What a proposal needs follows from its calls, its policy (`ISpendingPolicy`) and its signers at
/// the moment of execution, whatever they were before.
/// @dev Warning: approvals stand until the deadline, whoever shows them; only `cancel` ends them. A
/// proposal may be scheduled long before it is executed: let deadlines be near.
/// Those of a signer who is removed count no more, and would again if the signer came back.
/// @dev Warning: an address with code, be it delegated to (EIP-7702), signs by ERC-1271 alone.
/// @dev Warning: there is no ERC-1271 `isValidSignature`: whoever takes such signatures (permits,
/// orders) would let one move money past tiers, windows and timelocks. The treasury acts by calls.
interface ITreasury {
    /// @notice What signers sign, by EIP-712: domain name "Causeway Treasury", version "1".
    /// @param proposer The signer who answers for it, and must be among those who approve.
    /// @param calls Made in this order, all or none.
    /// @param nonceKey Proposals of other keys, or of other proposers, don't wait for this one.
    /// @param nonce The proposer's next of this key, from 0: `nonceOf`.
    /// @param deadline The last second, L1 time, in which it can be scheduled or executed.
    /// @param purpose keccak-256 of a text or a payout file, kept off the chain.
    struct Proposal {
        bytes proposer;
        ISpendingPolicy.Call[] calls;
        uint192 nonceKey;
        uint64 nonce;
        uint64 deadline;
        bytes32 purpose;
    }

    /// @notice One signer's approval.
    /// @param signature Of the digest; empty if the signer is the sender, or approved on the chain.
    struct Approval {
        bytes signer;
        bytes signature;
    }

    /// @notice The policy above all tiers.
    /// @param weightNeeded What governance needs; OpenZeppelin's `threshold()`.
    /// @param timelockS Seconds from scheduling to execution of governance.
    /// @param vetoWeight Signers of this weight can cancel any proposal: their own dismissal, too.
    /// If one signer has it, one stolen key stops everything for ever.
    /// @param isOwnApprovalRefused Whether a proposer's own approval weighs nothing.
    /// @param lostAfterS After so many seconds without an executed proposal, signers count as lost
    /// and `recoveryWeight` may change the signers, and do nothing else; 0: never.
    /// @param recoveryWeight What that needs; the proposer's own approval counts.
    /// @param recoveryTimelockS Its seconds to execution, from scheduling or from the moment since
    /// which signers count as lost, whichever is later; no less than `timelockS`.
    struct Governance {
        uint64 weightNeeded;
        uint48 timelockS;
        uint64 vetoWeight;
        bool isOwnApprovalRefused;
        uint48 lostAfterS;
        uint64 recoveryWeight;
        uint48 recoveryTimelockS;
    }

    /// @notice Native money came in.
    event NativeReceived(address indexed sender, uint256 valueWei);
    /// @notice A signer approved a digest on the chain.
    event DigestApproved(bytes32 indexed digest, address indexed signer);
    /// @notice A signer took an approval on the chain back.
    event ApprovalWithdrawn(bytes32 indexed digest, address indexed signer);
    /// @notice The timelock of a proposal runs from now on. All of it is told, so that whoever can
    /// veto it knows what, however the transaction was made.
    event ProposalScheduled(bytes32 indexed id, Proposal proposal, uint64 eligibleAtTsS);
    /// @notice The calls of a proposal were made.
    event ProposalExecuted(
        bytes32 indexed id, bytes32 indexed purpose, bytes proposer, uint192 nonceKey, uint64 nonce
    );
    /// @notice A proposal can't be executed any more.
    event ProposalCancelled(bytes32 indexed id);
    /// @notice The signers dismissed, and those added or given another weight.
    event SignersChanged(bytes[] dismissed, bytes[] signers, uint64[] weights);
    /// @notice The policy above all tiers is another.
    event GovernanceSet(Governance governance);
    /// @notice The proposal's last second is over.
    error ProposalExpired(uint64 deadline, uint256 actualTsS);
    /// @notice The proposal was cancelled.
    error ProposalIsCancelled(bytes32 id);
    /// @notice The proposal's nonce is not the next of its proposer and key.
    error NonceMismatch(uint64 expected, uint64 actual);
    /// @notice The proposal has a timelock and was not scheduled.
    error ProposalNotScheduled(bytes32 id);
    /// @notice The timelock of the proposal runs already.
    error ProposalScheduledBefore(bytes32 id, uint64 scheduledAtTsS);
    /// @notice The timelock runs still.
    error TimelockOpen(uint256 eligibleAtTsS, uint256 actualTsS);
    /// @notice A call failed, and so all did; `reason` is what it returned.
    error CallFailed(uint256 index, bytes reason);
    /// @notice Nobody would read the data that this call carries.
    error CallTargetHasNoCode(uint256 index, address target);

    /// @notice The approvals are not in strictly ascending order of keccak256(signer).
    error SignersNotAscending(bytes32 previous, bytes32 actual);
    /// @notice Not one of the treasury's signers.
    error SignerUnknown(bytes signer);
    /// @notice The signer signed another digest or nothing, and did not approve on the chain.
    error SignatureInvalid(bytes signer);
    /// @notice The proposer is not among those who approve.
    error ProposerMissing(bytes proposer);
    /// @notice The approvals shown weigh too little.
    error WeightNotReached(uint64 needed, uint64 actual);
    /// @notice The approvals would weigh enough if the proposer's own counted.
    error OwnApprovalRefused(uint64 needed, uint64 actualOfOthers);

    /// @notice Only the treasury itself changes its policy, by a proposal.
    error SenderNotTreasury(address actual);
    /// @notice Zero, the treasury itself, or a verifier without code: no safe signer.
    error SignerInvalid(bytes signer);
    /// @notice Without the lightest signer, as proposer, the others could never reach governance.
    error GovernanceUnreachable(uint64 needed, uint64 reachable);
    /// @notice Veto and recovery weigh between 1 and what governance needs.
    error WeightOutOfRange(uint64 maximum, uint64 actual);
    /// @notice The recovery's timelock is shorter than governance's.
    error RecoveryTimelockTooShort(uint48 minimumS, uint48 actualS);

    /* PROPOSALS */

    /// @notice Records that the sender, a signer by its address, approves a proposal, or its
    /// cancellation. A repeat changes nothing.
    /// @param digest `proposalId` or `cancellationId`.
    function approve(bytes32 digest) external;

    /// @notice Takes an approval on the chain back. A signature can't be taken back: `cancel`.
    function withdrawApproval(bytes32 digest) external;

    /// @notice Starts the timelock of a proposal. Anyone may send it.
    /// @dev The approvals are shown again at execution, and judged then.
    /// @param approvals Of the proposal's id, ascending by keccak256(signer).
    function schedule(Proposal calldata proposal, Approval[] calldata approvals) external;

    /// @notice Makes the calls of a proposal, once. Anyone may send it.
    /// @dev Approvals, tiers and windows are those of now, whatever they were at scheduling.
    /// @dev An ERC-20 transfer, transferFrom or approve that answers false has failed.
    /// @dev Warning: what other calls answer is not read. Whoever sends it chooses the gas, and can
    /// make a target that passes over failures of its own fail so.
    /// @param approvals Of the proposal's id, ascending by keccak256(signer).
    function execute(Proposal calldata proposal, Approval[] calldata approvals) external;

    /// @notice Ends a proposal for ever: by its proposer, or by signers of the veto weight.
    /// @dev Its nonce stays free for another proposal. A repeat changes nothing.
    /// @param approvals Of the proposal's `cancellationId`, ascending by keccak256(signer).
    function cancel(Proposal calldata proposal, Approval[] calldata approvals) external;

    /* POLICY */

    /// @notice Adds signers, changes their weights, and removes others. Only the treasury itself.
    /// @param dismissed Who is no signer any more.
    /// @param signers Who is one, new or not.
    /// @param weights Of `signers`, from 1.
    function changeSigners(
        bytes[] calldata dismissed,
        bytes[] calldata signers,
        uint64[] calldata weights
    ) external;

    /// @notice Replaces the policy above all tiers. Only the treasury itself.
    /// @dev Tiers and rules stay as they are, even where they now need more than governance.
    function setGovernance(Governance calldata governance_) external;

    /* VIEWS */

    /// @notice What calls need if they were executed now; show it before anybody signs.
    function tierOf(ISpendingPolicy.Call[] calldata calls)
        external
        view
        returns (uint64 weightNeeded, uint48 timelockS);

    /// @notice What the approvals weigh for a proposal; reverts as `execute` would for wrong ones.
    function weightOf(Proposal calldata proposal, Approval[] calldata approvals)
        external
        view
        returns (uint64);

    /// @notice The next nonce of a proposer's key.
    function nonceOf(bytes calldata proposer, uint192 nonceKey) external view returns (uint64);
    /// @notice The EIP-712 digest of a proposal.
    function proposalId(Proposal calldata proposal) external view returns (bytes32);
    /// @notice The EIP-712 digest of `Cancellation(bytes32 proposal)`, where `proposal` is the id.
    function cancellationId(bytes32 id) external view returns (bytes32);
    /// @notice When a proposal was scheduled, in seconds; 0: never.
    function scheduledAtTsS(bytes32 id) external view returns (uint64);
    /// @notice Whether a proposal was cancelled.
    function isCancelled(bytes32 id) external view returns (bool);
    /// @notice Whether a signer approved the digest on the chain.
    function isApproved(bytes32 digest, address signer) external view returns (bool);
    /// @notice When a proposal was last executed, or else the treasury deployed, in seconds.
    function executedAtTsS() external view returns (uint64);

    /// @notice The tiers and rules below governance.
    function policy() external view returns (ISpendingPolicy);
    /// @notice The policy above all tiers.
    function governance() external view returns (Governance memory);
}
