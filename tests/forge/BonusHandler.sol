// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {KycRegistry} from "../../contracts/identity/KycRegistry.sol";
import {IBonusCampaigns} from "../../contracts/interfaces/IBonusCampaigns.sol";
import {IKycRegistry} from "../../contracts/interfaces/IKycRegistry.sol";
import {BonusCampaigns} from "../../contracts/payouts/BonusCampaigns.sol";
import {Rollup} from "../../contracts/rollup/Rollup.sol";
import {FreezableToken} from "../../contracts/test/FreezableToken.sol";
import {Core} from "./Core.sol";
import {vm} from "./Vm.sol";

/// @notice Two campaigns of one asset and one of another. People deposit, are granted, attested and
/// revoked; batches of grants are released and forfeited at random; the gate closes, the escrow is
/// frozen, sponsors fund, end and withdraw. Keeps its own count of what went where.
contract BonusHandler {
    uint32 public constant CAMPAIGN_COUNT = 3;
    uint256 public constant HOLDING_S = 1 days;
    uint256 public constant EXPIRY_S = 5 days;
    uint256 private constant PEOPLE_COUNT = 3;
    uint256 private constant ATTESTOR_KEY = 9;
    uint256 private constant UNIT = 10;

    BonusCampaigns public immutable bonus;
    Rollup public immutable rollup;
    KycRegistry public immutable registry;

    /// @notice By asset and by campaign, in minor units.
    mapping(uint16 assetId => uint256) public depositedMinor;
    mapping(uint32 campaignId => uint256) public fundedMinor;
    mapping(uint32 campaignId => uint256) public withdrawnMinor;
    mapping(uint32 campaignId => bytes32) public termsDigest;
    /// @notice Whether a grant that had ended ever changed, or an earned one was lost.
    bool public isEndUndone;

    mapping(uint256 grantId => IBonusCampaigns.GrantState) private _seen;
    IBonusCampaigns.DepositRecord[] private _records;

    constructor() {
        vm.warp(365 days);
        registry = new KycRegistry(address(this), 1);
        registry.appointAttestor(address(this));
        registry.grantRole(registry.GUARDIAN_ROLE(), address(this));
        rollup = Core.deploy(registry);
        for (uint256 i = 0; i < 2; ++i) {
            FreezableToken listed = new FreezableToken();
            rollup.listAsset(address(listed), uint64(UNIT), address(0));
        }
        bonus = new BonusCampaigns(rollup, registry);
        for (uint256 i = 0; i < PEOPLE_COUNT; ++i) {
            _setLevel(person(i), 2);
        }
        for (uint32 i = 0; i < CAMPAIGN_COUNT; ++i) {
            _create(i);
        }
    }

    modifier watched() {
        _;
        uint256 count = bonus.grantCount();
        for (uint256 i = 1; i <= count; ++i) {
            IBonusCampaigns.GrantState now_ = bonus.grantOf(i).state;
            IBonusCampaigns.GrantState before = _seen[i];
            bool isEnd = before == IBonusCampaigns.GrantState.Released
                || before == IBonusCampaigns.GrantState.Forfeited;
            bool isLost = before == IBonusCampaigns.GrantState.Earned
                && now_ != IBonusCampaigns.GrantState.Earned
                && now_ != IBonusCampaigns.GrantState.Released;
            if ((isEnd && now_ != before) || isLost) isEndUndone = true;
            _seen[i] = now_;
        }
    }

    /* ACTIONS */

    function deposit(uint32 campaign, uint256 who, uint48 amountMinor) external watched {
        uint32 campaignId = 1 + campaign % CAMPAIGN_COUNT;
        uint16 assetId = bonus.campaignOf(campaignId).terms.assetId;
        amountMinor = 1 + amountMinor % 200;
        _give(assetId, person(who), address(bonus), amountMinor);
        vm.prank(person(who));
        try bonus.deposit(campaignId, amountMinor, "") {
            depositedMinor[assetId] += amountMinor;
        } catch {}
    }

    function depositPlainly(uint256 asset, uint256 who, uint48 amountMinor) external watched {
        uint16 assetId = uint16(1 + asset % 2);
        amountMinor = 1 + amountMinor % 200;
        _give(assetId, person(who), address(rollup), amountMinor);
        vm.prank(person(who));
        try rollup.deposit(assetId, person(who), amountMinor * UNIT, "") {
            depositedMinor[assetId] += amountMinor;
            _records.push(
                IBonusCampaigns.DepositRecord(
                    rollup.depositCount() - 1, person(who), amountMinor, uint64(block.timestamp)
                )
            );
        } catch {}
    }

    function grant(uint32 campaign, uint256 index) external watched {
        if (_records.length == 0) return;
        try bonus.grant(1 + campaign % CAMPAIGN_COUNT, _records[index % _records.length]) {}
            catch {}
    }

    function attest(uint256 grantId, uint192 turnoverMinor) external watched {
        grantId = 1 + grantId % (bonus.grantCount() + 1);
        turnoverMinor %= 400;
        uint64 upTo = uint64(block.timestamp);
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(ATTESTOR_KEY, bonus.turnoverDigest(grantId, turnoverMinor, upTo));
        try bonus.attestTurnover(grantId, turnoverMinor, upTo, abi.encodePacked(r, s, v)) {}
            catch {}
    }

    function release(uint256 seed) external watched {
        bonus.release(_batch(seed));
    }

    function forfeit(uint256 seed) external watched {
        bonus.forfeit(_batch(seed));
    }

    function fund(uint32 campaign, uint64 amountMinor) external watched {
        uint32 campaignId = 1 + campaign % CAMPAIGN_COUNT;
        amountMinor = 1 + amountMinor % 100;
        _give(
            bonus.campaignOf(campaignId).terms.assetId, address(this), address(bonus), amountMinor
        );
        try bonus.fund(campaignId, amountMinor) {
            fundedMinor[campaignId] += amountMinor;
        } catch {}
    }

    function endCampaign(uint32 campaign, uint8 dice) external watched {
        if (dice > 32) return; // it ends a lot
        try bonus.endCampaign(1 + campaign % CAMPAIGN_COUNT) {} catch {}
    }

    function withdrawBudget(uint32 campaign) external watched {
        uint32 campaignId = 1 + campaign % CAMPAIGN_COUNT;
        FreezableToken token_ = token(bonus.campaignOf(campaignId).terms.assetId);
        uint256 before = token_.balanceOf(address(this));
        try bonus.withdrawBudget(campaignId) {
            withdrawnMinor[campaignId] += (token_.balanceOf(address(this)) - before) / UNIT;
        } catch {}
    }

    function pass(uint256 timeS) external watched {
        vm.warp(block.timestamp + timeS % HOLDING_S);
    }

    function setLevel(uint256 who, uint8 level) external watched {
        vm.warp(block.timestamp + 1);
        _setLevel(person(who), 1 + level % 3);
    }

    function setGate(bool closed) external watched {
        if (closed) registry.closeDeposits();
        else registry.reopenDeposits();
    }

    function setFrozen(uint256 asset, bool frozen) external watched {
        token(uint16(1 + asset % 2)).setFrozen(address(bonus), frozen);
    }

    /* VIEWS */

    function token(uint16 assetId) public view returns (FreezableToken) {
        (address listed,,,) = rollup.assets(assetId);
        return FreezableToken(listed);
    }

    function person(uint256 i) public pure returns (address) {
        return address(uint160(0xC0FFEE + i % PEOPLE_COUNT));
    }

    /* INTERNAL */

    /// @dev The first two are of asset 1; the last asks for turnover.
    function _create(uint32 i) private {
        IBonusCampaigns.Terms memory terms;
        terms.assetId = i < 2 ? 1 : 2;
        terms.kycLevelMin = 2;
        terms.endTsS = type(uint64).max;
        terms.holdingS = uint32(HOLDING_S);
        terms.expiryS = uint32(EXPIRY_S);
        terms.personMinorMax = 90;
        terms.tiers = new IBonusCampaigns.Tier[](1);
        terms.tiers[0] =
            i == 0 ? IBonusCampaigns.Tier(10, 0, 5_000) : IBonusCampaigns.Tier(20, 60, 0);
        if (i == 2) {
            terms.turnoverBps = 10_000;
            terms.attestationsNeeded = 1;
            terms.attestors = new address[](1);
            terms.attestors[0] = vm.addr(ATTESTOR_KEY);
        }
        _give(terms.assetId, address(this), address(bonus), 100);
        uint32 campaignId = bonus.createCampaign(terms, 100);
        fundedMinor[campaignId] = 100;
        termsDigest[campaignId] = keccak256(abi.encode(bonus.campaignOf(campaignId).terms));
    }

    /// @dev Up to four grants, some of them unknown, some twice.
    function _batch(uint256 seed) private view returns (uint256[] memory grantIds) {
        grantIds = new uint256[](seed % 5);
        for (uint256 i = 0; i < grantIds.length; ++i) {
            grantIds[i] = uint256(keccak256(abi.encode(seed, i))) % (bonus.grantCount() + 2);
        }
    }

    function _give(uint16 assetId, address holder, address spender, uint256 amountMinor) private {
        FreezableToken token_ = token(assetId);
        token_.mint(holder, amountMinor * UNIT);
        vm.prank(holder);
        token_.approve(spender, amountMinor * UNIT);
    }

    function _setLevel(address who, uint8 level) private {
        registry.attest(
            IKycRegistry.Attestation(who, level, type(uint64).max, uint64(block.timestamp)), ""
        );
    }
}
