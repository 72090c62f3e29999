// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReturnBoolToken} from "../../contracts/test/ReturnBoolToken.sol";
import {vm} from "./Vm.sol";

contract ReturnBoolTokenTest {
    ReturnBoolToken private token;

    function setUp() external {
        token = new ReturnBoolToken("Test Dollar", "TUSD", 6);
    }

    function testFuzz_transfer__enough_balance__moves_it(
        address payer,
        address payee,
        uint128 amountMinor
    ) external {
        vm.assume(payer != address(0) && payee != address(0) && payer != payee);
        token.mint(payer, amountMinor);

        vm.prank(payer);
        bool isDone = token.transfer(payee, amountMinor);

        assert(isDone);
        assert(token.balanceOf(payer) == 0);
        assert(token.balanceOf(payee) == amountMinor);
    }
}
