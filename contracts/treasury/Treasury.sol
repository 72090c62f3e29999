// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ISpendingPolicy} from "../interfaces/ISpendingPolicy.sol";
import {ITreasury} from "../interfaces/ITreasury.sol";
import {Proposals} from "./Proposals.sol";
import {SpendingPolicy} from "./SpendingPolicy.sol";
import {TreasurySigners} from "./TreasurySigners.sol";
import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @title Treasury
/// @notice Makes the calls that enough of its signers approve, and nothing else.
/// @dev All powers over this treasury:
/// - Signers of a tier's weight spend at most the tier's amount within any window, all their
///   proposals together; lower tiers' amounts come on top.
/// - Signers of a fixed rule's weight call the function that the rule is for.
/// - Signers of governance's weight do everything, after its timelock: the policy, too.
/// - Signers of the veto weight, or a proposal's proposer, cancel it before it is executed. He also
///   ends it by another of his proposals with its nonce; nobody else's proposals have his nonces.
/// - Once no proposal was executed for `lostAfterS`, signers of the recovery weight change the
///   signers, after the recovery timelock, and then have what the new signers have. Any proposal
///   that is executed meanwhile ends that, and what ran of the timelock; a veto ends the proposal.
///
/// Nobody else has any power: there is no owner, no guardian, no upgrade and no delegatecall.
contract Treasury is TreasurySigners, Proposals, ReentrancyGuardTransient {
    /// @dev What a proposal needs now. Its timelock runs from no moment before `sinceTsS`.
    struct Judgement {
        uint64 weightNeeded;
        uint48 timelockS;
        bool isOwnRefused;
        uint256 sinceTsS;
    }

    uint256 private constant SIGNER_ADDRESS_SIZE_BYTES = 20;
    uint256 private constant BOOL_SIZE_BYTES = 32;

    /// @inheritdoc ITreasury
    ISpendingPolicy public immutable policy;
    /// @inheritdoc ITreasury
    uint64 public executedAtTsS;
    /// @inheritdoc ITreasury
    mapping(bytes32 id => uint64) public scheduledAtTsS;
    /// @inheritdoc ITreasury
    mapping(bytes32 id => bool) public isCancelled;
    /// @inheritdoc ITreasury
    mapping(bytes32 digest => mapping(address signer => bool)) public isApproved;

    // slither-disable-next-line uninitialized-state: written by references to its entries
    mapping(bytes32 proposerHash => mapping(uint192 nonceKey => uint64)) private _nonces;

    constructor(bytes[] memory signers, uint64[] memory weights, Governance memory governance_)
        TreasurySigners(signers, weights, governance_)
    {
        policy = new SpendingPolicy();
        executedAtTsS = uint64(block.timestamp);
    }

    receive() external payable {
        emit NativeReceived(msg.sender, msg.value);
    }

    /* PROPOSALS */

    /// @inheritdoc ITreasury
    function approve(bytes32 digest) external {
        bytes memory signer = abi.encodePacked(msg.sender);
        if (!isSigner(signer)) revert SignerUnknown(signer);

        isApproved[digest][msg.sender] = true;
        emit DigestApproved(digest, msg.sender);
    }

    /// @inheritdoc ITreasury
    function withdrawApproval(bytes32 digest) external {
        isApproved[digest][msg.sender] = false;
        emit ApprovalWithdrawn(digest, msg.sender);
    }

    /// @inheritdoc ITreasury
    function schedule(Proposal calldata proposal, Approval[] calldata approvals) external {
        bytes32 id = _requireOpen(proposal);
        if (scheduledAtTsS[id] != 0) revert ProposalScheduledBefore(id, scheduledAtTsS[id]);
        Judgement memory judgement = _judge(proposal.calls);
        _requireWeighty(id, proposal, judgement, approvals);

        uint64 tsS = uint64(block.timestamp);
        scheduledAtTsS[id] = tsS;
        emit ProposalScheduled(id, proposal, tsS + judgement.timelockS);
    }

    /// @inheritdoc ITreasury
    function execute(Proposal calldata proposal, Approval[] calldata approvals)
        external
        nonReentrant
    {
        bytes32 id = _requireOpen(proposal);
        Judgement memory judgement = _judgeAndCount(proposal.calls);
        _requireWeighty(id, proposal, judgement, approvals);
        if (judgement.timelockS > 0) _requireTimelockOver(id, judgement);

        _useNonce(proposal);
        executedAtTsS = uint64(block.timestamp);
        emit ProposalExecuted(
            id, proposal.purpose, proposal.proposer, proposal.nonceKey, proposal.nonce
        );
        _call(proposal.calls);
    }

    /// @inheritdoc ITreasury
    function cancel(Proposal calldata proposal, Approval[] calldata approvals) external {
        bytes32 id = proposalId(proposal);
        (uint64 weight, uint64 own) = _weigh(cancellationId(id), proposal, approvals);
        uint64 vetoWeight = governance().vetoWeight;
        if (own == 0 && weight < vetoWeight) revert WeightNotReached(vetoWeight, weight);

        isCancelled[id] = true;
        emit ProposalCancelled(id);
    }

    /* INTERNAL */

    /// @dev The nonce is left to `execute`, so that one can be scheduled behind another.
    function _requireOpen(Proposal calldata proposal) private view returns (bytes32 id) {
        id = proposalId(proposal);
        if (block.timestamp > proposal.deadline) {
            revert ProposalExpired(proposal.deadline, block.timestamp);
        }
        if (isCancelled[id]) revert ProposalIsCancelled(id);
    }

    function _judge(ISpendingPolicy.Call[] calldata calls) private view returns (Judgement memory) {
        if (_isRecovery(calls)) return _ofRecovery();
        (bool isGoverned, uint64 weightNeeded, uint48 timelockS) = policy.judge(calls);
        return _of(isGoverned, weightNeeded, timelockS);
    }

    function _judgeAndCount(ISpendingPolicy.Call[] calldata calls)
        private
        returns (Judgement memory)
    {
        if (_isRecovery(calls)) return _ofRecovery();
        // slither-disable-next-line reentrancy-no-eth: the policy calls nobody but us
        (bool isGoverned, uint64 weightNeeded, uint48 timelockS) = policy.judgeAndCount(calls);
        return _of(isGoverned, weightNeeded, timelockS);
    }

    /// @dev Whether signers count as lost, and the calls do no more than change them.
    function _isRecovery(ISpendingPolicy.Call[] calldata calls) private view returns (bool) {
        uint256 lostAfterS = governance().lostAfterS;
        if (lostAfterS == 0 || block.timestamp < executedAtTsS + lostAfterS) return false;
        if (calls.length != 1) return false;
        ISpendingPolicy.Call calldata only = calls[0];
        return only.target == address(this) && only.value == 0
            && bytes4(only.data) == ITreasury.changeSigners.selector;
    }

    /// @dev The proposer's own approval counts: he may be the last signer left. What was scheduled
    /// before the signers were lost has announced no recovery.
    function _ofRecovery() private view returns (Judgement memory) {
        Governance memory above = governance();
        uint256 lostAtTsS = uint256(executedAtTsS) + above.lostAfterS;
        return Judgement(above.recoveryWeight, above.recoveryTimelockS, false, lostAtTsS);
    }

    function _of(bool isGoverned, uint64 weightNeeded, uint48 timelockS)
        private
        view
        returns (Judgement memory)
    {
        Governance memory above = governance();
        if (isGoverned) (weightNeeded, timelockS) = (above.weightNeeded, above.timelockS);
        return Judgement(weightNeeded, timelockS, above.isOwnApprovalRefused, 0);
    }

    function _requireTimelockOver(bytes32 id, Judgement memory judgement) private view {
        uint256 sinceTsS = scheduledAtTsS[id];
        if (sinceTsS == 0) revert ProposalNotScheduled(id);
        if (sinceTsS < judgement.sinceTsS) sinceTsS = judgement.sinceTsS;
        uint256 eligibleAtTsS = sinceTsS + judgement.timelockS;
        if (block.timestamp < eligibleAtTsS) revert TimelockOpen(eligibleAtTsS, block.timestamp);
    }

    function _requireWeighty(
        bytes32 id,
        Proposal calldata proposal,
        Judgement memory judgement,
        Approval[] calldata approvals
    ) private view {
        (uint64 weight, uint64 own) = _weigh(id, proposal, approvals);
        if (own == 0) revert ProposerMissing(proposal.proposer);
        uint64 needed = judgement.weightNeeded;
        uint64 counted = judgement.isOwnRefused ? weight - own : weight;
        if (counted < needed && weight >= needed) revert OwnApprovalRefused(needed, counted);
        if (counted < needed) revert WeightNotReached(needed, counted);
    }

    /// @dev Checks all approvals; returns what they weigh together and, of that, the proposer's.
    function _weigh(bytes32 digest, Proposal calldata proposal, Approval[] calldata approvals)
        private
        view
        returns (uint64 weight, uint64 own)
    {
        bytes32 proposerHash = keccak256(proposal.proposer);
        bytes32 previous = bytes32(0);
        for (uint256 i = 0; i < approvals.length; ++i) {
            bytes calldata signer = approvals[i].signer;
            bytes32 signerHash = keccak256(signer);
            if (signerHash <= previous) revert SignersNotAscending(previous, signerHash);
            uint64 signerWeight_ = signerWeight(signer);
            if (signerWeight_ == 0) revert SignerUnknown(signer);
            if (!_hasApproved(digest, signer, approvals[i].signature)) {
                revert SignatureInvalid(signer);
            }

            // The sum of all signers' weights is a uint64, too.
            weight += signerWeight_;
            if (signerHash == proposerHash) own = signerWeight_;
            previous = signerHash;
        }
    }

    function _hasApproved(bytes32 digest, bytes calldata signer, bytes calldata signature)
        private
        view
        returns (bool)
    {
        if (signature.length == 0 && signer.length == SIGNER_ADDRESS_SIZE_BYTES) {
            address account = address(bytes20(signer));
            if (account == msg.sender || isApproved[digest][account]) return true;
        }
        return SignatureChecker.isValidSignatureNow(signer, digest, signature);
    }

    /// @dev Nonces are the proposer's: could signers of a low tier use up those of others, they
    /// would veto whatever they like.
    function _useNonce(Proposal calldata proposal) private {
        mapping(uint192 nonceKey => uint64) storage nonces = _nonces[keccak256(proposal.proposer)];
        uint64 expected = nonces[proposal.nonceKey];
        if (proposal.nonce != expected) revert NonceMismatch(expected, proposal.nonce);

        nonces[proposal.nonceKey] = expected + 1;
    }

    function _call(ISpendingPolicy.Call[] calldata calls) private {
        for (uint256 i = 0; i < calls.length; ++i) {
            ISpendingPolicy.Call calldata each = calls[i];
            if (each.data.length > 0 && each.target.code.length == 0) {
                revert CallTargetHasNoCode(i, each.target);
            }
            (bool succeeded, bytes memory answer) = each.target.call{value: each.value}(each.data);
            if (!succeeded || (_isTransfer(each.data) && _isFalse(answer))) {
                revert CallFailed(i, answer);
            }
        }
    }

    function _isTransfer(bytes calldata data) private pure returns (bool) {
        bytes4 selector = bytes4(data);
        return selector == IERC20.transfer.selector || selector == IERC20.approve.selector
            || selector == IERC20.transferFrom.selector;
    }

    function _isFalse(bytes memory answer) private pure returns (bool) {
        return answer.length >= BOOL_SIZE_BYTES && bytes32(answer) == bytes32(0);
    }

    /* VIEWS */

    /// @inheritdoc ITreasury
    function nonceOf(bytes calldata proposer, uint192 nonceKey) external view returns (uint64) {
        return _nonces[keccak256(proposer)][nonceKey];
    }

    /// @inheritdoc ITreasury
    function tierOf(ISpendingPolicy.Call[] calldata calls)
        external
        view
        returns (uint64 weightNeeded, uint48 timelockS)
    {
        Judgement memory judgement = _judge(calls);
        return (judgement.weightNeeded, judgement.timelockS);
    }

    /// @inheritdoc ITreasury
    function weightOf(Proposal calldata proposal, Approval[] calldata approvals)
        external
        view
        returns (uint64)
    {
        (uint64 weight, uint64 own) = _weigh(proposalId(proposal), proposal, approvals);
        return _judge(proposal.calls).isOwnRefused ? weight - own : weight;
    }
}
