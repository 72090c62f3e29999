// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBonusCampaigns} from "../../contracts/interfaces/IBonusCampaigns.sol";
import {BonusCampaigns} from "../../contracts/payouts/BonusCampaigns.sol";
import {BonusHandler} from "./BonusHandler.sol";

/// @notice Laws of bonus campaigns that hold whatever people, sponsors, gate and issuer do.
contract BonusTest {
    uint256 private constant UNIT = 10;

    BonusHandler private handler;
    BonusCampaigns private bonus;

    function setUp() external {
        handler = new BonusHandler();
        bonus = handler.bonus();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_escrow__covers_budgets_and_grants() external view {
        for (uint16 assetId = 1; assetId <= 2; ++assetId) {
            uint256 owedMinor = 0;
            for (uint32 i = 1; i <= handler.CAMPAIGN_COUNT(); ++i) {
                IBonusCampaigns.Campaign memory campaign = bonus.campaignOf(i);
                if (campaign.terms.assetId != assetId) continue;
                owedMinor += campaign.budgetMinor + _grantedMinor(i, false);
            }
            assert(handler.token(assetId).balanceOf(address(bonus)) == owedMinor * UNIT);
        }
    }

    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_budget__is_what_was_funded_less_what_went() external view {
        for (uint32 i = 1; i <= handler.CAMPAIGN_COUNT(); ++i) {
            uint256 spentMinor = handler.withdrawnMinor(i) + _grantedMinor(i, true);
            assert(bonus.campaignOf(i).budgetMinor + spentMinor == handler.fundedMinor(i));
        }
    }

    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_ledger__gets_deposits_and_released_bonuses() external view {
        for (uint16 assetId = 1; assetId <= 2; ++assetId) {
            uint256 expectedMinor = handler.depositedMinor(assetId);
            for (uint256 id = 1; id <= bonus.grantCount(); ++id) {
                IBonusCampaigns.Grant memory grant = bonus.grantOf(id);
                bool isReleased = grant.state == IBonusCampaigns.GrantState.Released;
                uint16 its = bonus.campaignOf(grant.campaignId).terms.assetId;
                if (isReleased && its == assetId) expectedMinor += grant.bonusMinor;
            }
            (,,, uint64 outstandingMinor) = handler.rollup().assets(assetId);
            assert(outstandingMinor == expectedMinor);
        }
    }

    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_person__has_one_grant_of_a_campaign() external view {
        for (uint256 id = 1; id <= bonus.grantCount(); ++id) {
            IBonusCampaigns.Grant memory grant = bonus.grantOf(id);
            assert(bonus.grantIdOf(grant.campaignId, grant.person) == id);
            assert(grant.bonusMinor != 0 && grant.bonusMinor <= 90);
        }
    }

    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_ends_and_terms__stay() external view {
        assert(!handler.isEndUndone());
        for (uint32 i = 1; i <= handler.CAMPAIGN_COUNT(); ++i) {
            assert(keccak256(abi.encode(bonus.campaignOf(i).terms)) == handler.termsDigest(i));
        }
    }

    /// @dev That the handler gets to each end is not left to chance.
    function test_handler__whole_life__succeeds() external {
        handler.deposit(0, 0, 99); // grant 1
        handler.depositPlainly(0, 1, 99);
        handler.grant(1, 0); // grant 2
        handler.deposit(2, 2, 99); // grant 3
        handler.pass(handler.HOLDING_S() - 1);
        handler.pass(1);
        handler.attest(2, 399);
        handler.setFrozen(0, true);
        bonus.release(_one(2));
        assert(bonus.grantOf(2).state == IBonusCampaigns.GrantState.Earned);
        handler.setFrozen(0, false);
        bonus.release(_one(3));
        assert(bonus.grantOf(3).state == IBonusCampaigns.GrantState.Released);
        for (uint256 i = 0; i < 5; ++i) {
            handler.pass(handler.HOLDING_S() - 1);
        }
        bonus.forfeit(_one(1));
        assert(bonus.grantOf(1).state == IBonusCampaigns.GrantState.Forfeited);
        handler.endCampaign(0, 0);
        handler.withdrawBudget(0);
        assert(handler.withdrawnMinor(1) == 100);
        bonus.release(_one(2));
        assert(bonus.grantOf(2).state == IBonusCampaigns.GrantState.Released);
    }

    function test_bonus_for__any_deposit__within_match_and_cap(uint48 depositMinor) external view {
        if (depositMinor < 10) return;

        uint256 bonusMinor = bonus.bonusFor(1, depositMinor);

        assert(bonusMinor <= 90 && bonusMinor * 2 <= depositMinor);
        assert(bonusMinor == 90 || bonusMinor * 2 + 1 >= depositMinor);
    }

    /// @dev Open and earned ones, and released ones too if asked for.
    function _grantedMinor(uint32 campaignId, bool withReleased)
        private
        view
        returns (uint256 sumMinor)
    {
        for (uint256 id = 1; id <= bonus.grantCount(); ++id) {
            IBonusCampaigns.Grant memory grant = bonus.grantOf(id);
            if (grant.campaignId != campaignId) continue;
            bool counts = grant.state == IBonusCampaigns.GrantState.Open
                || grant.state == IBonusCampaigns.GrantState.Earned
                || (withReleased && grant.state == IBonusCampaigns.GrantState.Released);
            if (counts) sumMinor += grant.bonusMinor;
        }
    }

    function _one(uint256 grantId) private pure returns (uint256[] memory grantIds) {
        grantIds = new uint256[](1);
        grantIds[0] = grantId;
    }
}
