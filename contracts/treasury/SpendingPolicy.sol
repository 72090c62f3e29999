// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ISpendingPolicy} from "../interfaces/ISpendingPolicy.sol";
import {ITreasury} from "../interfaces/ITreasury.sol";
import {RateLimiter} from "@openzeppelin/contracts/utils/RateLimiter.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title SpendingPolicy
/// @notice Says what a treasury's calls need, and counts what they spend.
/// @dev Powers: the treasury, by governance, sets tiers, payees and rules; nobody else does.
/// Nothing here moves money or calls a target. Every doubt about a call ends in governance.
contract SpendingPolicy is ISpendingPolicy {
    using RateLimiter for RateLimiter.SlidingWindow;

    /// @dev What calls spend of one asset, and the tier that has room for it.
    struct Spending {
        address asset;
        uint256 amount;
        uint256 tier;
    }

    /// @dev What calls need. Only the first `spendingCount` spendings are there.
    struct Judgement {
        bool isGoverned;
        uint64 weightNeeded;
        uint48 timelockS;
        uint256 spendingCount;
        Spending[] spendings;
    }

    struct AssetPolicy {
        bool isPayeeListNeeded;
        Tier[] tiers;
        RateLimiter.SlidingWindow windows; // a key for each tier: its number
        mapping(address payee => bool) isPayee;
    }

    address private constant NATIVE = address(0);
    uint256 private constant SELECTOR_SIZE_BYTES = 4;
    uint256 private constant WORD_SIZE_BYTES = 32;
    uint8 private constant PAYEE_IS_TARGET = 255;

    /// @inheritdoc ISpendingPolicy
    ITreasury public immutable treasury;

    mapping(address asset => AssetPolicy) private _assets;
    mapping(address target => mapping(bytes4 selector => Rule)) private _rules;

    modifier onlyTreasury() {
        if (msg.sender != address(treasury)) revert SenderNotTreasury(msg.sender);
        _;
    }

    /// @dev The treasury deploys its policy.
    constructor() {
        treasury = ITreasury(msg.sender);
    }

    /* POLICY */

    /// @inheritdoc ISpendingPolicy
    function setAsset(address asset, uint48 windowS, bool isPayeeListNeeded, Tier[] calldata tiers)
        external
        onlyTreasury
    {
        if (windowS == 0) revert WindowZero();

        AssetPolicy storage policy = _assets[asset];
        policy.isPayeeListNeeded = isPayeeListNeeded;
        delete policy.tiers;
        for (uint256 i = 0; i < tiers.length; ++i) {
            _requireWithinGovernance(tiers[i].weightNeeded, tiers[i].timelockS);
            if (i > 0) _requireAscending(tiers[i - 1], tiers[i], i);
            policy.tiers.push(tiers[i]);
        }
        policy.windows
            .updateSettings(windowS, tiers.length == 0 ? 0 : tiers[tiers.length - 1].amountMax);
        emit AssetSet(asset, windowS, isPayeeListNeeded, tiers);
    }

    /// @inheritdoc ISpendingPolicy
    function setPayees(address asset, address[] calldata payees, bool isListed)
        external
        onlyTreasury
    {
        for (uint256 i = 0; i < payees.length; ++i) {
            _assets[asset].isPayee[payees[i]] = isListed;
        }
        emit PayeesSet(asset, payees, isListed);
    }

    /// @inheritdoc ISpendingPolicy
    function setRule(address target, bytes4 selector, Rule calldata rule) external onlyTreasury {
        if (_isTreasury(target)) revert RuleOfTreasury(selector);
        if (rule.kind == RuleKind.Fixed) {
            _requireWithinGovernance(rule.weightNeeded, rule.timelockS);
        }

        _rules[target][selector] = rule;
        emit RuleSet(target, selector, rule);
    }

    /* JUDGEMENT */

    /// @inheritdoc ISpendingPolicy
    function judge(Call[] calldata calls)
        external
        view
        returns (bool isGoverned, uint64 weightNeeded, uint48 timelockS)
    {
        Judgement memory judgement = _judge(calls);
        return (judgement.isGoverned, judgement.weightNeeded, judgement.timelockS);
    }

    /// @inheritdoc ISpendingPolicy
    function judgeAndCount(Call[] calldata calls)
        external
        onlyTreasury
        returns (bool isGoverned, uint64 weightNeeded, uint48 timelockS)
    {
        Judgement memory judgement = _judge(calls);
        if (!judgement.isGoverned) _count(judgement);
        return (judgement.isGoverned, judgement.weightNeeded, judgement.timelockS);
    }

    /* INTERNAL */

    function _judge(Call[] calldata calls) private view returns (Judgement memory judgement) {
        // A call spends two assets at most: native money, and what its rule says.
        judgement.spendings = new Spending[](2 * calls.length);
        bool isJudged = calls.length > 0;
        for (uint256 i = 0; i < calls.length && isJudged; ++i) {
            isJudged = _judgeCall(judgement, calls[i]);
        }
        for (uint256 i = 0; i < judgement.spendingCount && isJudged; ++i) {
            isJudged = _judgeSpending(judgement, judgement.spendings[i]);
        }
        if (!isJudged) {
            judgement.isGoverned = true;
            judgement.weightNeeded = 0;
            judgement.timelockS = 0;
        }
    }

    /// @dev `_judge` has just found that there is room.
    function _count(Judgement memory judgement) private {
        for (uint256 i = 0; i < judgement.spendingCount; ++i) {
            Spending memory each = judgement.spendings[i];
            _assets[each.asset].windows.consume(bytes32(each.tier), each.amount);
            emit AssetSpent(each.asset, each.tier, each.amount);
        }
    }

    /// @dev Adds what a call needs and spends; returns false if it is governance.
    function _judgeCall(Judgement memory judgement, Call calldata call_)
        private
        view
        returns (bool)
    {
        if (_isTreasury(call_.target)) return false;
        if (call_.value > 0) {
            if (!_isPayable(NATIVE, call_.target)) return false;
            _add(judgement, NATIVE, call_.value);
            if (call_.data.length == 0) return true;
        }
        if (call_.data.length < SELECTOR_SIZE_BYTES) return false;

        Rule memory rule = _rules[call_.target][bytes4(call_.data)];
        if (rule.kind == RuleKind.Governance) return false;
        if (rule.kind == RuleKind.Fixed) {
            _need(judgement, rule.weightNeeded, rule.timelockS);
            return true;
        }
        (bool isRead, uint256 amount) = _word(call_.data, rule.amountWord);
        uint256 payee = uint160(call_.target);
        if (isRead && rule.payeeWord != PAYEE_IS_TARGET) {
            (isRead, payee) = _word(call_.data, rule.payeeWord);
        }
        // Above 160 bits it is no address; who knows what the target makes of it.
        if (!isRead || payee > type(uint160).max) return false;
        if (!_isPayable(rule.asset, address(uint160(payee)))) return false;
        _add(judgement, rule.asset, amount);
        return true;
    }

    /// @dev Finds the lowest tier that has so much left; returns false if there is none.
    function _judgeSpending(Judgement memory judgement, Spending memory spending)
        private
        view
        returns (bool)
    {
        Tier[] storage tiers = _assets[spending.asset].tiers;
        for (uint256 i = 0; i < tiers.length; ++i) {
            Tier memory tier = tiers[i];
            uint256 left = Math.saturatingSub(tier.amountMax, spentAt(spending.asset, i));
            if (spending.amount <= left) {
                spending.tier = i;
                _need(judgement, tier.weightNeeded, tier.timelockS);
                return true;
            }
        }
        return false;
    }

    /// @dev Adds to the sum of the asset: many small calls are one large spending.
    function _add(Judgement memory judgement, address asset, uint256 amount) private pure {
        for (uint256 i = 0; i < judgement.spendingCount; ++i) {
            Spending memory each = judgement.spendings[i];
            if (each.asset == asset) {
                each.amount = Math.saturatingAdd(each.amount, amount);
                return;
            }
        }
        judgement.spendings[judgement.spendingCount++] = Spending(asset, amount, 0);
    }

    function _need(Judgement memory judgement, uint64 weightNeeded, uint48 timelockS) private pure {
        if (weightNeeded > judgement.weightNeeded) judgement.weightNeeded = weightNeeded;
        if (timelockS > judgement.timelockS) judgement.timelockS = timelockS;
    }

    function _isPayable(address asset, address payee) private view returns (bool) {
        return !_assets[asset].isPayeeListNeeded || _assets[asset].isPayee[payee];
    }

    /// @dev Returns a word behind the selector; false if the data ends before it does.
    function _word(bytes calldata data, uint8 index)
        private
        pure
        returns (bool isThere, uint256 word)
    {
        uint256 start = SELECTOR_SIZE_BYTES + uint256(index) * WORD_SIZE_BYTES;
        if (data.length < start + WORD_SIZE_BYTES) return (false, 0);
        return (true, uint256(bytes32(data[start:start + WORD_SIZE_BYTES])));
    }

    function _isTreasury(address target) private view returns (bool) {
        return target == address(treasury) || target == address(this);
    }

    function _requireWithinGovernance(uint64 weightNeeded, uint48 timelockS) private view {
        ITreasury.Governance memory governance = treasury.governance();
        if (weightNeeded == 0 || weightNeeded > governance.weightNeeded) {
            revert WeightNeededOutOfRange(governance.weightNeeded, weightNeeded);
        }
        if (timelockS > governance.timelockS) {
            revert TimelockTooLong(governance.timelockS, timelockS);
        }
    }

    function _requireAscending(Tier calldata lower, Tier calldata tier, uint256 index)
        private
        pure
    {
        if (
            tier.amountMax <= lower.amountMax || tier.weightNeeded < lower.weightNeeded
                || tier.timelockS < lower.timelockS
        ) revert TiersNotAscending(index);
    }

    /* VIEWS */

    /// @inheritdoc ISpendingPolicy
    function assetPolicy(address asset)
        external
        view
        returns (uint48 windowS, bool isPayeeListNeeded, Tier[] memory tiers)
    {
        AssetPolicy storage policy = _assets[asset];
        return (policy.windows._window, policy.isPayeeListNeeded, policy.tiers);
    }

    /// @inheritdoc ISpendingPolicy
    function spentAt(address asset, uint256 tier) public view returns (uint256 amount) {
        return _assets[asset].windows.used(bytes32(tier));
    }

    /// @inheritdoc ISpendingPolicy
    function isPayee(address asset, address payee) external view returns (bool) {
        return _assets[asset].isPayee[payee];
    }

    /// @inheritdoc ISpendingPolicy
    function ruleOf(address target, bytes4 selector) external view returns (Rule memory) {
        return _rules[target][selector];
    }
}
