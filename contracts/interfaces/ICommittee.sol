// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRollup} from "./IRollup.sol";

/// @title The validators whose quorum certifies batches, and their stakes
/// @notice Keeps the members of each epoch, n = 3f + 1 of them, and checks that 2f + 1 signed, each
/// with a whole stake. Fraud in a batch takes the stakes of its signers: half to who proved it, the
/// rest is burnt.
/// @dev Warning: what 2f + 1 members sign, the rollup accepts until somebody proves that it is
/// false. The owner should be a multi-signature or a timelock. It has no power over stakes.
interface ICommittee {
    /// @notice A new epoch began; its members are the ones whose signatures count from now on.
    /// @param epoch The new epoch's number.
    /// @param members Ascending addresses, 3f + 1 of them.
    event EpochBegun(uint32 indexed epoch, address[] members);

    /// @notice Somebody added to a validator's stake.
    event Staked(address indexed validator, uint256 amountWei, uint256 stakeWei);
    /// @notice A validator took his stake out.
    event StakeWithdrawn(address indexed validator, uint256 amountWei);
    /// @notice A validator lost his stake, by fraud or equivocation.
    event Slashed(address indexed validator, uint256 amountWei);
    /// @notice Half of the stakes waits for the prover; see `creditReward`.
    event RewardSet(
        uint256 indexed index, address indexed prover, uint64 batchNumber, uint256 amountWei
    );
    /// @notice A reward was credited to its prover.
    event RewardCredited(address indexed prover, uint256 amountWei);
    /// @notice A prover drew what was credited to him.
    event RewardWithdrawn(address indexed prover, uint256 amountWei);

    /// @notice A signer's stake is not whole: his signature doesn't count.
    error StakeNotWhole(address validator, uint256 neededWei, uint256 actualWei);
    /// @notice The sender has no stake here.
    error StakeZero(address validator);
    /// @notice The validator is a member of the present epoch.
    error StakeInUse(address validator, uint32 epoch);
    /// @notice His last epoch ended less than the challenge window ago.
    error StakeLocked(uint256 freeTsS, uint256 actualTsS);
    /// @notice Batches of his last epoch are not settled.
    error StakeAnswersForBatch(uint64 frontier, uint64 batchNumber);
    /// @notice Only the rollup punishes for fraud.
    error SenderNotRollup(address expected, address actual);
    /// @notice Only the disputes contract punishes for equivocation.
    error SenderNotDisputes(address expected, address actual);
    /// @notice The batch before the fraud is not settled: an earlier proof may take the reward.
    error RewardLocked(uint64 frontier, uint64 neededBatch);
    /// @notice There is no such reward, or it was credited or taken over.
    error RewardUnknown(uint256 index);
    /// @notice There is nothing to draw.
    error NothingOwed(address prover);
    /// @notice The receiver refused the ether.
    error PaymentFailed(address receiver);

    /// @notice The number of members is not 3f + 1, or is above 256.
    error MemberCountInvalid(uint256 actual);
    /// @notice Members are not in strictly ascending order of address, or the first is zero.
    error MembersNotAscending(address previous, address actual);
    /// @notice The epoch has not begun yet, or is zero.
    error EpochUnknown(uint32 last, uint32 actual);
    /// @notice There are fewer whole signatures than 2f + 1.
    error QuorumNotReached(uint256 needed, uint256 actual);
    /// @notice There are more bytes than 2f + 1 signatures have.
    error SignaturesTooLong(uint256 expectedBytes, uint256 actualBytes);
    /// @notice The signatures are not in strictly ascending order of their signers.
    error SignersNotAscending(address previous, address actual);
    /// @notice The signer is not a member of that epoch's committee.
    error SignerNotMember(address signer);

    /// @notice Begins the next epoch with another committee. Only the owner.
    /// @dev Batches signed for the old epoch that L1 has not accepted yet must be signed anew.
    /// @param members Strictly ascending addresses without zero; 3f + 1 of them, at most 256.
    function beginEpoch(address[] calldata members) external;

    /// @notice Adds the ether sent to a validator's stake. Anyone may pay for him.
    /// @dev Warning: it is his from then on.
    function stake(address validator) external payable;

    /// @notice Pays the sender's stake out, once it answers for nothing any more: he is no member
    /// of the present epoch, his last one ended a challenge window ago, and every batch accepted in
    /// it is settled or removed; or the rollup is frozen and all its batches are settled.
    function withdrawStake() external;

    /// @notice Takes the stakes of a false batch's signers and begins the next epoch with the same
    /// members. Only the rollup.
    /// @param prover Who has earned half; 0: nobody, and all is burnt.
    function punish(uint32 epoch_, uint256 signers, uint64 batchNumber, address prover) external;

    /// @notice Takes the stake of a validator who signed two different things. Only the rollup's
    /// disputes contract.
    function punishEquivocation(address validator, address prover) external;

    /// @notice Credits a reward to its prover, once the batch before the fraud is settled.
    function creditReward(uint256 index) external;

    /// @notice Pays what was credited to the sender.
    function withdrawReward() external;

    /// @notice Returns who signed; reverts unless exactly 2f + 1 members of the epoch signed, whose
    /// stakes are whole.
    /// @dev Any epoch that has begun may be asked for; that it is the present one is for the caller
    /// to check. Signatures are r 32, s 32, v 1 bytes with low s and v 27 or 28; malformed ones
    /// revert with OpenZeppelin's ECDSA errors.
    /// @param epoch_ The epoch whose members count.
    /// @param digest What was signed.
    /// @param signatures 65 bytes each, in ascending order of the signers' addresses.
    /// @return signers Bitmap: bit i is set if the i-th member (from 0) signed.
    function requireQuorum(uint32 epoch_, bytes32 digest, bytes calldata signatures)
        external
        view
        returns (uint256 signers);

    /// @notice The rollup.
    function rollup() external view returns (IRollup);
    /// @notice A whole stake, in wei.
    function stakeWei() external view returns (uint256);
    /// @notice What a validator has at stake, in wei.
    function stakeOf(address validator) external view returns (uint256);
    /// @notice The last epoch in which somebody is a member; 0 if there is none.
    function lastEpochOf(address validator) external view returns (uint32);
    /// @notice How many rewards there have been.
    function rewardCount() external view returns (uint256);
    /// @notice A reward: for fraud in which batch, and how much of it waits, in wei.
    function rewards(uint256 index)
        external
        view
        returns (address prover, uint64 batchNumber, uint256 amountWei);
    /// @notice What a prover can draw, in wei.
    function owedWei(address prover) external view returns (uint256);
    /// @notice The present epoch; the first is 1.
    function epoch() external view returns (uint32);

    /// @notice The members of an epoch in ascending order; empty if it has not begun.
    function membersOf(uint32 epoch_) external view returns (address[] memory);

    /// @notice How many signatures an epoch's quorum takes: 2f + 1; 0 if it has not begun.
    function quorumOf(uint32 epoch_) external view returns (uint256);
}
