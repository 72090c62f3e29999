// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ITreasury} from "./ITreasury.sol";

/// @title What the treasury's calls need, below governance
/// @notice Judges calls:
/// - a call with native value spends the asset 0; a call under a *spending* rule spends an asset;
///   the sum that a proposal spends of an asset needs the lowest of the asset's tiers that has so
///   much left in the asset's window;
/// - a call under a *fixed* rule needs what the rule says;
/// - anything else is *governance*: calls of the treasury or this policy, of targets or functions
///   without a rule, to payees who are not listed, and spending that no tier has room for.
///
/// Calls need the most that any of them needs, in weight and in timelock. One that is governance
/// makes all of them so; what governance approves is counted in no window.
/// @dev Assumptions: an asset's rules describe its functions truly, and a spending rule's amount
/// bounds what the call can move.
interface ISpendingPolicy {
    /// @notice What the treasury shall do: call `target` with `value` wei and `data`.
    struct Call {
        address target;
        uint256 value;
        bytes data;
    }

    /// @notice One step of an asset's policy.
    /// @param amountMax The most that is spent at this tier within any window; token base units,
    /// or wei.
    /// @param weightNeeded From 1 to that of governance.
    /// @param timelockS Seconds from scheduling to execution; 0: executed at once.
    struct Tier {
        uint208 amountMax;
        uint64 weightNeeded;
        uint48 timelockS;
    }

    /// @notice What a rule says of a call: nothing; a weight and a timelock; what it spends.
    enum RuleKind {
        Governance,
        Fixed,
        Spending
    }

    /// @notice How a function of a target is judged.
    /// @param asset Spending: what is spent.
    /// @param amountWord Spending: which word behind the selector, from 0, is the amount.
    /// @param payeeWord Spending: which word is the payee; 255: the payee is the target.
    /// @param weightNeeded Fixed: from 1 to that of governance.
    /// @param timelockS Fixed: up to that of governance.
    struct Rule {
        RuleKind kind;
        address asset;
        uint8 amountWord;
        uint8 payeeWord;
        uint64 weightNeeded;
        uint48 timelockS;
    }

    /// @notice An amount was spent at a tier and counts in its window.
    event AssetSpent(address indexed asset, uint256 tier, uint256 amount);
    /// @notice The tiers and the window of an asset are others.
    event AssetSet(address indexed asset, uint48 windowS, bool isPayeeListNeeded, Tier[] tiers);
    /// @notice Payees of an asset were listed or struck off.
    event PayeesSet(address indexed asset, address[] payees, bool isListed);
    /// @notice A function of a target is judged otherwise from now on.
    event RuleSet(address indexed target, bytes4 indexed selector, Rule rule);

    /// @notice Only the treasury changes its policy, by a proposal, and counts what it spends.
    error SenderNotTreasury(address actual);
    /// @notice A weight must be between 1 and that of governance.
    error WeightNeededOutOfRange(uint64 maximum, uint64 actual);
    /// @notice A timelock is longer than governance's.
    error TimelockTooLong(uint48 maximumS, uint48 actualS);
    /// @notice Tiers ascend strictly in amount, and fall neither in weight nor in timelock.
    error TiersNotAscending(uint256 index);
    /// @notice A window is at least a second.
    error WindowZero();
    /// @notice Calls of the treasury itself, or of its policy, are always governance.
    error RuleOfTreasury(bytes4 selector);

    /* POLICY */

    /// @notice Replaces an asset's tiers; without tiers all its spending is governance. Only the
    /// treasury.
    /// @dev What was spent counts on under its tier's number. A longer window may have forgotten
    /// what the shorter one did not ask for.
    /// @param asset A token, or 0 for native money.
    /// @param windowS Seconds over which each tier's spending is summed.
    /// @param isPayeeListNeeded Whether payees that are not listed are governance.
    function setAsset(address asset, uint48 windowS, bool isPayeeListNeeded, Tier[] calldata tiers)
        external;

    /// @notice Lists payees of an asset, or strikes them off. Only the treasury.
    function setPayees(address asset, address[] calldata payees, bool isListed) external;

    /// @notice Says how a function of a target is judged. Only the treasury.
    /// @dev Warning: a fixed rule bounds no amount, and reads no argument.
    /// @dev Warning: a spending rule names one asset. If an argument of the function chooses among
    /// several, as a deposit's asset id does, no rule describes it: leave it to governance.
    /// @dev Warning: a token's `approve` and `transferFrom` are spending as `transfer` is; other
    /// functions that raise an allowance need their own rule, or stay governance.
    function setRule(address target, bytes4 selector, Rule calldata rule) external;

    /* JUDGEMENT */

    /// @notice What calls need if they were executed now.
    /// @return isGoverned Whether they are governance; the other values are 0 then.
    function judge(Call[] calldata calls)
        external
        view
        returns (bool isGoverned, uint64 weightNeeded, uint48 timelockS);

    /// @notice As `judge`, and counts what the calls spend, unless they are governance. Only the
    /// treasury.
    function judgeAndCount(Call[] calldata calls)
        external
        returns (bool isGoverned, uint64 weightNeeded, uint48 timelockS);

    /* VIEWS */

    /// @notice Whose spending this is.
    function treasury() external view returns (ITreasury);
    /// @notice The policy of an asset.
    function assetPolicy(address asset)
        external
        view
        returns (uint48 windowS, bool isPayeeListNeeded, Tier[] memory tiers);
    /// @notice What was spent at a tier within the window that ends now.
    function spentAt(address asset, uint256 tier) external view returns (uint256 amount);
    /// @notice Whether a payee of an asset is listed.
    function isPayee(address asset, address payee) external view returns (bool);
    /// @notice How a function of a target is judged.
    function ruleOf(address target, bytes4 selector) external view returns (Rule memory);
}
