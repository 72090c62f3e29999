// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Stablecoin} from "../../contracts/tokens/Stablecoin.sol";
import {vm} from "./Vm.sol";

/// @dev Four holders who mint, burn and pay one another, in any order and by any amounts.
contract StablecoinHandler {
    Stablecoin public immutable token;

    uint256 private constant KEY_COUNT = 4;
    uint256 private _authorizationCount;

    constructor() {
        token = new Stablecoin("Causeway Dollar", "CUSD", 6, address(this));
        for (uint256 i = 0; i < KEY_COUNT; i++) {
            token.grantRole(token.MINTER_ROLE(), holder(i));
            token.grantRole(token.BURNER_ROLE(), holder(i));
        }
    }

    function mint(uint256 by, uint256 to, uint256 amount) external {
        vm.prank(holder(by));
        token.mint(holder(to), amount % 2 ** 128);
    }

    function burn(uint256 by, uint256 amount) external {
        amount = _upTo(amount, token.balanceOf(holder(by)));
        vm.prank(holder(by));
        token.burn(amount);
    }

    function transfer(uint256 from, uint256 to, uint256 amount) external {
        amount = _upTo(amount, token.balanceOf(holder(from)));
        vm.prank(holder(from));
        assert(token.transfer(holder(to), amount));
    }

    function transferFrom(uint256 from, uint256 to, uint256 by, uint256 amount) external {
        amount = _upTo(amount, token.balanceOf(holder(from)));
        vm.prank(holder(from));
        token.approve(holder(by), amount);
        vm.prank(holder(by));
        assert(token.transferFrom(holder(from), holder(to), amount));
    }

    function transferWithAuthorization(uint256 from, uint256 to, uint256 amount) external {
        amount = _upTo(amount, token.balanceOf(holder(from)));
        bytes32 nonce = keccak256(abi.encode(_authorizationCount++));
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "TransferWithAuthorization(address from,address to,uint256 value,"
                    "uint256 validAfter,uint256 validBefore,bytes32 nonce)"
                ),
                holder(from),
                holder(to),
                amount,
                0,
                type(uint256).max,
                nonce
            )
        );
        bytes32 digest =
            keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_key(from), digest);
        token.transferWithAuthorization(
            holder(from), holder(to), amount, 0, type(uint256).max, nonce, v, r, s
        );
    }

    function holder(uint256 i) public pure returns (address) {
        return vm.addr(_key(i));
    }

    function balanceSum() external view returns (uint256 sum) {
        for (uint256 i = 0; i < KEY_COUNT; i++) {
            sum += token.balanceOf(holder(i));
        }
    }

    function _key(uint256 i) private pure returns (uint256) {
        return 1 + i % KEY_COUNT;
    }

    function _upTo(uint256 amount, uint256 max) private pure returns (uint256) {
        return max == type(uint256).max ? amount : amount % (max + 1);
    }
}

contract StablecoinTest {
    Stablecoin private token;
    StablecoinHandler private handler;

    function setUp() external {
        handler = new StablecoinHandler();
        token = handler.token();
    }

    /// @dev Forge calls these and nothing else between two looks at the invariants.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// forge-config: default.invariant.fail-on-revert = true
    /// forge-config: long.invariant.fail-on-revert = true
    function invariant_supply__is_the_sum_of_balances() external view {
        assert(token.totalSupply() == handler.balanceSum());
    }

    function testFuzz_transfer__any_amounts__moves_or_reverts(
        address payer,
        address payee,
        uint256 balance,
        uint256 amount
    ) external {
        vm.assume(payer != address(0) && payee != address(0) && payer != payee);
        vm.prank(handler.holder(0));
        token.mint(payer, balance);

        vm.prank(payer);
        (bool isDone,) = address(token).call(abi.encodeCall(token.transfer, (payee, amount)));

        assert(isDone == (amount <= balance));
        assert(token.balanceOf(payer) == (isDone ? balance - amount : balance));
        assert(token.balanceOf(payee) == (isDone ? amount : 0));
        assert(token.totalSupply() == balance);
    }

    function testFuzz_permit__any_signature__reverts_unless_the_owners(
        uint256 key,
        address owner,
        uint256 amount
    ) external {
        key = 1 + key % (2 ** 128);
        vm.assume(owner != vm.addr(key));
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Permit(address owner,address spender,uint256 value,"
                    "uint256 nonce,uint256 deadline)"
                ),
                owner,
                address(this),
                amount,
                0,
                block.timestamp
            )
        );
        bytes32 digest =
            keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);

        (bool isDone,) = address(token)
            .call(
                abi.encodeCall(
                    token.permit, (owner, address(this), amount, block.timestamp, v, r, s)
                )
            );

        assert(!isDone);
        assert(token.allowance(owner, address(this)) == 0);
        assert(token.nonces(owner) == 0);
    }
}
