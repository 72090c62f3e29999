// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {IRollup} from "../interfaces/IRollup.sol";

/// @title Stakes: what validators lose by fraud, and who earns it
/// @notice Nobody has power over a stake but its validator, when it answers for nothing any more,
/// and a proof: fraud reaches here through the rollup, equivocation through its disputes.
abstract contract Stakes is ICommittee {
    struct Reward {
        address prover;
        uint64 batchNumber;
        uint256 amountWei;
    }

    struct Ending {
        uint64 tsS;
        uint64 tip;
    }

    /// @inheritdoc ICommittee
    IRollup public immutable rollup;
    /// @inheritdoc ICommittee
    uint256 public immutable stakeWei;

    /// @inheritdoc ICommittee
    uint32 public epoch;
    mapping(uint32 epoch => Ending) private _endings;
    /// @dev A term is a run of epochs with the same members and bears the number of its first: so
    /// a roll-back writes nothing for each member, whose number nobody can use to stop it.
    mapping(uint32 epoch => uint32 term) internal _termOf;
    mapping(uint32 term => uint32 epoch) private _lastEpochIn;
    mapping(address validator => uint32 term) internal _lastTermOf;
    /// @inheritdoc ICommittee
    mapping(address validator => uint256) public stakeOf;

    /// @inheritdoc ICommittee
    Reward[] public rewards;
    /// @dev Indices of rewards that may still be taken over, by ascending batch number.
    uint256[] private _waiting;
    /// @inheritdoc ICommittee
    mapping(address prover => uint256) public owedWei;

    constructor(IRollup rollup_, uint256 stakeWei_) {
        rollup = rollup_;
        stakeWei = stakeWei_;
    }

    /* STAKES */

    /// @inheritdoc ICommittee
    function stake(address validator) external payable {
        uint256 whole = stakeOf[validator] + msg.value;
        stakeOf[validator] = whole;
        emit Staked(validator, msg.value, whole);
    }

    /// @inheritdoc ICommittee
    function withdrawStake() external {
        uint256 amountWei = stakeOf[msg.sender];
        if (amountWei == 0) revert StakeZero(msg.sender);
        _requireFree(msg.sender);

        stakeOf[msg.sender] = 0;
        emit StakeWithdrawn(msg.sender, amountWei);

        _pay(msg.sender, amountWei);
    }

    /* REWARDS */

    /// @inheritdoc ICommittee
    function punishEquivocation(address validator, address prover) external {
        address disputes = address(rollup.disputes());
        if (msg.sender != disputes) revert SenderNotDisputes(disputes, msg.sender);
        if (stakeOf[validator] == 0) revert StakeZero(validator);

        uint256 takenWei = _slash(validator);
        uint256 halfWei = prover == address(0) ? 0 : takenWei / 2;
        _credit(prover, halfWei);
        _burn(takenWei - halfWei);
    }

    /// @inheritdoc ICommittee
    function creditReward(uint256 index) external {
        if (index >= rewards.length || rewards[index].amountWei == 0) revert RewardUnknown(index);
        Reward storage reward = rewards[index];
        uint64 frontier = rollup.frontier();
        uint64 needed = reward.batchNumber - 1;
        if (frontier < needed) revert RewardLocked(frontier, needed);

        uint256 amountWei = reward.amountWei;
        reward.amountWei = 0;
        _credit(reward.prover, amountWei);
    }

    /// @inheritdoc ICommittee
    function withdrawReward() external {
        uint256 amountWei = owedWei[msg.sender];
        if (amountWei == 0) revert NothingOwed(msg.sender);

        owedWei[msg.sender] = 0;
        emit RewardWithdrawn(msg.sender, amountWei);

        _pay(msg.sender, amountWei);
    }

    /// @inheritdoc ICommittee
    function lastEpochOf(address validator) public view returns (uint32) {
        return _lastEpochIn[_lastTermOf[validator]];
    }

    /// @inheritdoc ICommittee
    function rewardCount() external view returns (uint256) {
        return rewards.length;
    }

    /* INTERNAL */

    /// @dev Ends the present epoch and begins the next one, in `term`: 0 for one of its own.
    function _nextEpoch(uint32 term) internal returns (uint32 next) {
        uint32 last = epoch;
        // The first epoch begins before the rollup has code.
        if (last != 0) _endings[last] = Ending(uint64(block.timestamp), rollup.tip());
        next = last + 1;
        epoch = next;
        if (term == 0) term = next;
        _termOf[next] = term;
        _lastEpochIn[term] = next;
    }

    function _requireWhole(address validator) internal view {
        uint256 actualWei = stakeOf[validator];
        if (actualWei < stakeWei) revert StakeNotWhole(validator, stakeWei, actualWei);
    }

    function _slash(address validator) internal returns (uint256 takenWei) {
        takenWei = stakeOf[validator];
        stakeOf[validator] = 0;
        emit Slashed(validator, takenWei);
    }

    /// @dev Half of what was taken waits for the prover, with what waited for later batches: their
    /// frauds may have been made to distract from this one. Returns all else, which is to be burnt.
    function _setReward(uint256 takenWei, uint64 batchNumber, address prover)
        internal
        returns (uint256 burntWei)
    {
        uint256 halfWei = takenWei / 2;
        burntWei = takenWei - halfWei;
        while (_waiting.length != 0) {
            Reward storage later = rewards[_waiting[_waiting.length - 1]];
            if (later.batchNumber <= batchNumber) break;
            halfWei += later.amountWei;
            later.amountWei = 0;
            _waiting.pop();
        }

        if (prover == address(0)) {
            burntWei += halfWei;
        } else if (halfWei != 0) {
            _waiting.push(rewards.length);
            emit RewardSet(rewards.length, prover, batchNumber, halfWei);
            rewards.push(Reward(prover, batchNumber, halfWei));
        }
    }

    function _burn(uint256 amountWei) internal {
        _pay(address(0), amountWei);
    }

    function _requireFree(address validator) private view {
        // After the last word nobody can be proven false any more, and no epoch need ever end.
        if (rollup.frozenTsS() != 0 && rollup.frontier() == rollup.tip()) return;
        uint32 last = lastEpochOf(validator);
        if (last == epoch) revert StakeInUse(validator, last);
        Ending memory ending = _endings[last];
        uint256 freeTsS = ending.tsS + rollup.challengeWindow();
        if (block.timestamp < freeTsS) revert StakeLocked(freeTsS, block.timestamp);
        uint64 tip = rollup.tip();
        uint64 lastBatch = ending.tip < tip ? ending.tip : tip;
        uint64 frontier = rollup.frontier();
        if (frontier < lastBatch) revert StakeAnswersForBatch(frontier, lastBatch);
    }

    function _credit(address prover, uint256 amountWei) private {
        if (amountWei == 0) return;
        owedWei[prover] += amountWei;
        emit RewardCredited(prover, amountWei);
    }

    function _pay(address receiver, uint256 amountWei) private {
        (bool isPaid,) = receiver.call{value: amountWei}("");
        if (!isPaid) revert PaymentFailed(receiver);
    }
}
