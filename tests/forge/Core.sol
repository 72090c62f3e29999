// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChallenges} from "../../contracts/interfaces/IChallenges.sol";
import {ICommittee} from "../../contracts/interfaces/ICommittee.sol";
import {IDepositGate} from "../../contracts/interfaces/IDepositGate.sol";
import {IDisputes} from "../../contracts/interfaces/IDisputes.sol";
import {IExits} from "../../contracts/interfaces/IExits.sol";
import {IRollup} from "../../contracts/interfaces/IRollup.sol";
import {Challenges} from "../../contracts/rollup/Challenges.sol";
import {Committee} from "../../contracts/rollup/Committee.sol";
import {Disputes} from "../../contracts/rollup/Disputes.sol";
import {Exits} from "../../contracts/rollup/Exits.sol";
import {Rollup} from "../../contracts/rollup/Rollup.sol";
import {vm} from "./Vm.sol";

/// @notice Deploys the five contracts, each of which knows the others' addresses. Their owner and
/// lister is the caller, and their committee one member.
library Core {
    uint256 internal constant MEMBER_KEY = 7;
    uint256 internal constant STAKE_WEI = 1 ether;
    uint64 internal constant WINDOW_S = 1 days;
    uint64 internal constant SILENCE_S = 5 days;

    function deploy(IDepositGate gate) internal returns (Rollup rollup) {
        address[] memory members = new address[](1);
        members[0] = vm.addr(MEMBER_KEY);
        IRollup.Windows memory windows = IRollup.Windows({
            challengeWindow: WINDOW_S,
            answerWindow: 12 hours,
            exitDeadline: 3 days,
            depositTimeout: 3 days,
            silenceDeadline: SILENCE_S,
            timestampLag: 365 days,
            gasPriceFloor: 1 gwei
        });

        IRollup next = IRollup(_next(1));
        new Committee(address(this), next, members, STAKE_WEI);
        rollup = new Rollup(_parts(gate), windows);
        assert(address(rollup) == address(next));
        new Exits(rollup);
        new Disputes(rollup);
        new Challenges(rollup);
        stake(rollup);
    }

    /// @dev Makes the member's stake whole again.
    function stake(Rollup rollup) internal {
        address member = vm.addr(MEMBER_KEY);
        uint256 missingWei = STAKE_WEI - rollup.committee().stakeOf(member);
        vm.deal(address(this), address(this).balance + missingWei);
        rollup.committee().stake{value: missingWei}(member);
    }

    /// @dev The committee was created just before.
    function _parts(IDepositGate gate) private view returns (IRollup.Parts memory) {
        return IRollup.Parts({
            committee: ICommittee(_created(vm.getNonce(address(this)) - 1)),
            gate: gate,
            lister: address(this),
            exits: IExits(_next(1)),
            disputes: IDisputes(_next(2)),
            challenges: IChallenges(_next(3))
        });
    }

    /// @dev What the caller will have created after `count` more contracts.
    function _next(uint64 count) private view returns (address) {
        return _created(vm.getNonce(address(this)) + count);
    }

    function _created(uint64 nonce) private view returns (address) {
        return vm.computeCreateAddress(address(this), nonce);
    }
}
