// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBonusCampaigns} from "../interfaces/IBonusCampaigns.sol";
import {IKycRegistry} from "../interfaces/IKycRegistry.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {BonusTerms} from "../libraries/BonusTerms.sol";
import {Escrow} from "../libraries/Escrow.sol";
import {VaultRecords} from "../libraries/VaultRecords.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title BonusCampaigns: keeps sponsors' money until their bonuses are earned
/// @notice There is no owner, pause or upgrade. Powers over a campaign:
/// - its sponsor funds it, ends it, and then takes back what was not granted; he can touch no
///   grant and change no term;
/// - its attestors sign turnover, if it asks for any; so many as it names can hold a grant back or
///   let it go, to nobody but its person.
///
/// Who writes the KYC registry decides whose levels suffice, and who keeps the rollup's gate what
/// can be paid when.
contract BonusCampaigns is IBonusCampaigns, EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using BonusTerms for Terms;

    bytes32 private constant TURNOVER_TYPEHASH =
        keccak256("Turnover(uint256 grantId,uint256 turnoverMinor,uint64 upTo)");
    uint256 private constant BATCH_GRANTS_MAX = 100;
    /// @dev Several times what a deposit costs with a plain token, and its first of an asset.
    uint256 private constant PAYMENT_GAS = 300_000;
    /// @dev What lies between measuring the gas and the call, and what follows a refused call.
    uint256 private constant PAYMENT_SPARE_GAS = 50_000;

    /// @inheritdoc IBonusCampaigns
    IRollup public immutable rollup;
    /// @inheritdoc IBonusCampaigns
    IKycRegistry public immutable registry;

    /// @inheritdoc IBonusCampaigns
    uint32 public campaignCount;
    /// @inheritdoc IBonusCampaigns
    uint256 public grantCount;
    /// @inheritdoc IBonusCampaigns
    mapping(uint32 campaignId => mapping(address person => uint256)) public grantIdOf;

    // slither-disable-next-line uninitialized-state: written by references to its entries
    mapping(uint32 campaignId => Campaign) private _campaigns;
    mapping(uint256 grantId => Grant) private _grants;

    constructor(IRollup rollup_, IKycRegistry registry_) EIP712("Causeway Bonus", "1") {
        rollup = rollup_;
        registry = registry_;
    }

    /* CAMPAIGNS */

    /// @inheritdoc IBonusCampaigns
    function createCampaign(Terms memory terms, uint64 budgetMinor)
        external
        nonReentrant
        returns (uint32 campaignId)
    {
        (IERC20 token,) = _assetOf(terms.assetId);
        BonusTerms.requireValid(terms);

        campaignId = ++campaignCount;
        Campaign storage campaign = _campaigns[campaignId];
        campaign.sponsor = msg.sender;
        campaign.terms.write(terms);
        emit CampaignCreated(campaignId, msg.sender, terms);

        // For ever: the rollup takes only from who calls it or signed, and this signs nothing.
        token.forceApprove(address(rollup), type(uint256).max);
        if (budgetMinor != 0) _fund(campaignId, campaign, budgetMinor);
    }

    /// @inheritdoc IBonusCampaigns
    function fund(uint32 campaignId, uint64 amountMinor) external nonReentrant {
        Campaign storage campaign = _requireRunning(campaignId);
        _requireSponsor(campaign);
        if (amountMinor == 0) revert AmountZero();

        _fund(campaignId, campaign, amountMinor);
    }

    /// @inheritdoc IBonusCampaigns
    function endCampaign(uint32 campaignId) external nonReentrant {
        Campaign storage campaign = _requireRunning(campaignId);
        _requireSponsor(campaign);

        campaign.isEnded = true;
        emit CampaignEnded(campaignId);
    }

    /// @inheritdoc IBonusCampaigns
    function withdrawBudget(uint32 campaignId) external nonReentrant {
        Campaign storage campaign = _requireKnown(campaignId);
        _requireSponsor(campaign);
        if (!campaign.isEnded) revert CampaignNotEnded(campaignId);
        uint64 amountMinor = campaign.budgetMinor;
        if (amountMinor == 0) revert AmountZero();

        campaign.budgetMinor = 0;
        emit BudgetWithdrawn(campaignId, msg.sender, amountMinor);

        (IERC20 token, uint256 unit) = _assetOf(campaign.terms.assetId);
        token.safeTransfer(msg.sender, amountMinor * unit);
    }

    /* GRANTS */

    /// @inheritdoc IBonusCampaigns
    function deposit(uint32 campaignId, uint48 amountMinor, bytes calldata evidence)
        external
        nonReentrant
        returns (uint256 grantId)
    {
        uint16 assetId = _requireRunning(campaignId).terms.assetId;

        // The calls come before the grant because the gate may record the person's level in them.
        (IERC20 token, uint256 unit) = _assetOf(assetId);
        Escrow.pull(token, amountMinor * unit);
        // slither-disable-next-line reentrancy-benign: the lock is held, nothing read can change
        rollup.deposit(assetId, msg.sender, amountMinor * unit, evidence);
        DepositRecord memory record =
            DepositRecord(_lastDepositIndex(), msg.sender, amountMinor, uint64(block.timestamp));
        return _grant(campaignId, record);
    }

    /// @inheritdoc IBonusCampaigns
    function grant(uint32 campaignId, DepositRecord calldata record)
        external
        nonReentrant
        returns (uint256 grantId)
    {
        uint16 assetId = _requireRunning(campaignId).terms.assetId;
        _requireRecorded(assetId, record);

        return _grant(campaignId, record);
    }

    /// @inheritdoc IBonusCampaigns
    function attestTurnover(
        uint256 grantId,
        uint192 turnoverMinor,
        uint64 upTo,
        bytes calldata signatures
    ) external {
        Grant memory grant_ = grantOf(grantId);
        if (grant_.state != GrantState.Open) revert GrantNotOpen(grantId, grant_.state);
        Terms storage terms = _campaigns[grant_.campaignId].terms;
        if (terms.turnoverBps == 0) revert TurnoverNotAsked(grant_.campaignId);
        if (upTo > block.timestamp) revert TurnoverFromFuture(uint64(block.timestamp), upTo);
        uint64 newest = grant_.turnoverUpToTsS;
        if (newest < grant_.grantedTsS) newest = grant_.grantedTsS;
        if (upTo <= newest) revert TurnoverTooOld(newest, upTo);
        if (turnoverMinor < grant_.turnoverMinor) {
            revert TurnoverFell(grant_.turnoverMinor, turnoverMinor);
        }
        terms.requireAttested(turnoverDigest(grantId, turnoverMinor, upTo), signatures);

        _grants[grantId].turnoverMinor = turnoverMinor;
        _grants[grantId].turnoverUpToTsS = upTo;
        emit TurnoverAttested(grantId, turnoverMinor, upTo);
    }

    /* ENDS */

    /// @inheritdoc IBonusCampaigns
    function release(uint256[] calldata grantIds) external nonReentrant {
        _requireBatch(grantIds);
        // Alone it hurts no other: then a dear token gets what it needs.
        uint256 paymentGas = grantIds.length == 1 ? gasleft() : PAYMENT_GAS;
        for (uint256 i = 0; i < grantIds.length; ++i) {
            SkipReason reason = _release(grantIds[i], paymentGas);
            if (reason != SkipReason.None) emit ReleaseSkipped(grantIds[i], reason);
        }
    }

    /// @inheritdoc IBonusCampaigns
    function forfeit(uint256[] calldata grantIds) external nonReentrant {
        _requireBatch(grantIds);
        for (uint256 i = 0; i < grantIds.length; ++i) {
            SkipReason reason = _forfeit(grantIds[i]);
            if (reason != SkipReason.None) emit ForfeitSkipped(grantIds[i], reason);
        }
    }

    /* INTERNAL: CAMPAIGNS */

    function _fund(uint32 campaignId, Campaign storage campaign, uint64 amountMinor) private {
        _addToBudget(campaign, amountMinor);
        emit CampaignFunded(campaignId, amountMinor);

        (IERC20 token, uint256 unit) = _assetOf(campaign.terms.assetId);
        Escrow.pull(token, amountMinor * unit);
    }

    function _assetOf(uint16 assetId) private view returns (IERC20 token, uint256 unit) {
        return Escrow.assetOf(rollup, assetId);
    }

    function _addToBudget(Campaign storage campaign, uint64 amountMinor) private {
        campaign.budgetMinor += amountMinor;
    }

    function _requireKnown(uint32 campaignId) private view returns (Campaign storage campaign) {
        campaign = _campaigns[campaignId];
        if (campaign.sponsor == address(0)) revert CampaignUnknown(campaignId);
    }

    function _requireRunning(uint32 campaignId) private view returns (Campaign storage campaign) {
        campaign = _requireKnown(campaignId);
        if (campaign.isEnded) revert CampaignIsEnded(campaignId);
    }

    function _requireSponsor(Campaign storage campaign) private view {
        address sponsor = campaign.sponsor;
        if (msg.sender != sponsor) revert SenderNotSponsor(sponsor, msg.sender);
    }

    /* INTERNAL: GRANTS */

    /// @dev Of a running campaign, by a deposit that is known to be recorded and of its asset.
    function _grant(uint32 campaignId, DepositRecord memory record)
        private
        returns (uint256 grantId)
    {
        Campaign storage campaign = _campaigns[campaignId];
        Terms storage terms = campaign.terms;
        (uint64 startTsS, uint64 endTsS) = (terms.startTsS, terms.endTsS);
        if (record.tsS < startTsS || record.tsS > endTsS) {
            revert DepositOutsideWindow(startTsS, endTsS, record.tsS);
        }
        address person = record.owner;
        grantId = grantIdOf[campaignId][person];
        if (grantId != 0) revert GrantedBefore(campaignId, person, grantId);
        (uint8 level, uint8 levelMin) = (_levelOf(person), terms.kycLevelMin);
        if (level < levelMin) revert KycLevelBelow(person, levelMin, level);
        uint48 bonusMinor = terms.bonusMinorDown(record.amountMinor);
        uint64 budgetMinor = campaign.budgetMinor;
        if (bonusMinor > budgetMinor) revert BudgetShort(budgetMinor, bonusMinor);

        campaign.budgetMinor = budgetMinor - bonusMinor;
        grantId = ++grantCount;
        grantIdOf[campaignId][person] = grantId;
        _grants[grantId] = Grant({
            person: person,
            depositMinor: record.amountMinor,
            bonusMinor: bonusMinor,
            campaignId: campaignId,
            state: GrantState.Open,
            depositIndex: record.index,
            depositTsS: record.tsS,
            grantedTsS: uint64(block.timestamp),
            turnoverMinor: 0,
            turnoverUpToTsS: 0
        });
        emit BonusGranted(grantId, campaignId, person, bonusMinor, record);
    }

    /// @dev The rollup's queue has this deposit of the asset at this place.
    function _requireRecorded(uint16 assetId, DepositRecord calldata record) private view {
        (IERC20 token,) = _assetOf(assetId);
        bytes32 expected = _depositHash(record.index + 1);
        bytes32 actual = VaultRecords.depositHash(
            _depositHash(record.index),
            address(token),
            assetId,
            record.owner,
            record.amountMinor,
            record.tsS
        );
        if (actual != expected) revert DepositNotRecorded(record.index, expected, actual);
    }

    function _levelOf(address person) private view returns (uint8) {
        return registry.levelOf(person);
    }

    function _depositHash(uint64 count) private view returns (bytes32) {
        return rollup.depositHash(count);
    }

    function _lastDepositIndex() private view returns (uint64) {
        return rollup.depositCount() - 1;
    }

    /* INTERNAL: ENDS */

    function _requireBatch(uint256[] calldata grantIds) private pure {
        uint256 count = grantIds.length;
        if (count > BATCH_GRANTS_MAX) revert BatchTooLong(BATCH_GRANTS_MAX, count);
    }

    function _release(uint256 grantId, uint256 paymentGas) private returns (SkipReason) {
        SkipReason obstacle = grantStatus(grantId).obstacle;
        if (obstacle != SkipReason.None) return obstacle;
        Grant memory grant_ = grantOf(grantId);
        (uint32 campaignId, address person, uint48 bonusMinor) =
            (grant_.campaignId, grant_.person, grant_.bonusMinor);
        Grant storage stored = _grants[grantId];

        stored.state = GrantState.Released;
        if (_pay(_campaigns[campaignId].terms.assetId, person, bonusMinor, paymentGas)) {
            // slither-disable-next-line reentrancy-events: it tells the index that the call made
            emit GrantReleased(grantId, campaignId, person, bonusMinor, _lastDepositIndex());
            return SkipReason.None;
        }

        // The person has done what he could: from here on time can't take the bonus from him.
        stored.state = GrantState.Earned;
        if (grant_.state == GrantState.Open) emit GrantEarned(grantId);
        return SkipReason.PaymentRefused;
    }

    /// @dev A call passes on 63/64 of the gas at most. That a payment has PAYMENT_GAS at least is
    /// made sure of first: otherwise who sends little could make a good payment look refused. What
    /// a refusal returns isn't read, since it may be long.
    function _pay(uint16 assetId, address person, uint48 bonusMinor, uint256 paymentGas)
        private
        returns (bool)
    {
        (, uint256 unit) = _assetOf(assetId);
        uint256 needed = PAYMENT_GAS * 64 / 63 + PAYMENT_SPARE_GAS;
        uint256 gas = gasleft();
        if (gas < needed) revert GasTooLow(needed, gas);

        try rollup.deposit{gas: paymentGas}(assetId, person, bonusMinor * unit, "") {
            return true;
        } catch {
            return false;
        }
    }

    function _forfeit(uint256 grantId) private returns (SkipReason) {
        Grant memory grant_ = grantOf(grantId);
        if (grant_.state == GrantState.None) return SkipReason.GrantUnknown;
        if (grant_.state == GrantState.Earned) return SkipReason.GrantEarned;
        if (grant_.state != GrantState.Open) return SkipReason.GrantClosed;
        Campaign storage campaign = _campaigns[grant_.campaignId];
        uint256 expiresTsS = uint256(grant_.grantedTsS) + campaign.terms.expiryS;
        if (block.timestamp <= expiresTsS) return SkipReason.NotExpired;

        _grants[grantId].state = GrantState.Forfeited;
        _addToBudget(campaign, grant_.bonusMinor);
        emit GrantForfeited(grantId, grant_.campaignId, grant_.bonusMinor);
        return SkipReason.None;
    }

    /* VIEWS */

    /// @inheritdoc IBonusCampaigns
    function campaignOf(uint32 campaignId) external view returns (Campaign memory) {
        return _campaigns[campaignId];
    }

    /// @inheritdoc IBonusCampaigns
    function grantOf(uint256 grantId) public view returns (Grant memory) {
        return _grants[grantId];
    }

    /// @inheritdoc IBonusCampaigns
    function grantStatus(uint256 grantId) public view returns (GrantStatus memory status) {
        Grant memory grant_ = grantOf(grantId);
        status.state = grant_.state;
        if (status.state == GrantState.None) {
            status.obstacle = SkipReason.GrantUnknown;
            return status;
        }
        Terms storage terms = _campaigns[grant_.campaignId].terms;

        status.holding =
            BonusTerms.reached(uint256(grant_.depositTsS) + terms.holdingS, block.timestamp);
        status.kycLevel = BonusTerms.reached(terms.kycLevelMin, _levelOf(grant_.person));
        status.turnover = BonusTerms.reached(terms.turnoverMinorUp(grant_), grant_.turnoverMinor);
        uint256 expiresTsS = uint256(grant_.grantedTsS) + terms.expiryS;
        bool isAlive = status.state != GrantState.Open || block.timestamp <= expiresTsS;
        status.expiry = Condition(expiresTsS, block.timestamp, isAlive);
        status.obstacle = BonusTerms.obstacle(status);
    }

    /// @inheritdoc IBonusCampaigns
    function bonusFor(uint32 campaignId, uint48 depositMinor) external view returns (uint48) {
        return _requireKnown(campaignId).terms.bonusMinorDown(depositMinor);
    }

    /// @inheritdoc IBonusCampaigns
    function turnoverDigest(uint256 grantId, uint256 turnoverMinor, uint64 upTo)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(
            keccak256(abi.encode(TURNOVER_TYPEHASH, grantId, turnoverMinor, upTo))
        );
    }
}
