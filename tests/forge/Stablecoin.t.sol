// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Relay} from "../../contracts/test/Relay.sol";
import {Stablecoin} from "../../contracts/tokens/Stablecoin.sol";
import {TokenAuthority} from "../../contracts/tokens/TokenAuthority.sol";
import {vm} from "./Vm.sol";

/// @dev Four holders and a vault: all mint and pay one another, in any order and by any amounts,
/// while the issuer freezes, pauses and seizes. Each action says beforehand whether it will
/// succeed.
contract StablecoinHandler {
    Stablecoin public immutable token;
    address public immutable vault;

    uint256 public allowed; // by all allowances ever given
    uint256 public minted;
    uint256 public burned;
    /// @notice Whether an action succeeded that must not, or failed that must succeed.
    bool public isWrong;

    uint256 private constant KEY_COUNT = 4;
    uint256 private _authorizationCount;
    mapping(address => uint256) private _balanceFrozen; // what a frozen account should have

    constructor() {
        TokenAuthority authority = new TokenAuthority(address(this));
        vault = address(new Relay());
        address[] memory vaults = new address[](1);
        vaults[0] = vault;
        token = new Stablecoin("Causeway Dollar", "CUSD", 6, address(authority), vaults);
    }

    /* SUPPLY */

    function configureMinter(uint256 minter, uint128 allowance) public {
        allowed += allowance;
        token.configureMinter(account(minter), allowance);
    }

    function mint(uint256 by, uint256 to, uint256 amount) external {
        amount = _upTo(amount, token.minterAllowance(account(by)));
        bool isDone = _try(
            account(by),
            abi.encodeCall(token.mint, (account(to), amount)),
            !token.isFrozen(account(to)) && !token.paused()
        );
        if (isDone) minted += amount;
    }

    /// @dev One more than is allowed.
    function mintTooMuch(uint256 by, uint256 to) external {
        uint256 amount = token.minterAllowance(account(by)) + 1;
        _try(account(by), abi.encodeCall(token.mint, (account(to), amount)), false);
    }

    function burn(uint256 amount) external {
        amount = _upTo(amount, token.balanceOf(address(this)));
        bool isDone = _try(address(this), abi.encodeCall(token.burn, (amount)), !token.paused());
        if (isDone) burned += amount;
    }

    /* SUPERVISION */

    function freeze(uint256 who) external {
        bool isDone = _try(
            address(this), abi.encodeCall(token.freeze, (account(who))), account(who) != vault
        );
        if (isDone) _balanceFrozen[account(who)] = token.balanceOf(account(who));
    }

    function unfreeze(uint256 who) external {
        token.unfreeze(account(who));
    }

    function pause() external {
        _try(address(this), abi.encodeCall(token.pause, ()), !token.paused());
    }

    function unpause() external {
        _try(address(this), abi.encodeCall(token.unpause, ()), token.paused());
    }

    function seize(uint256 from, uint256 to, uint256 amount) external {
        amount = _upTo(amount, token.balanceOf(account(from)));
        bool isDone = _try(
            address(this),
            abi.encodeCall(token.seize, (account(from), account(to), amount)),
            token.isFrozen(account(from)) && !token.isFrozen(account(to))
        );
        if (isDone) _balanceFrozen[account(from)] -= amount;
    }

    /* PAYMENTS */

    function transfer(uint256 from, uint256 to, uint256 amount) external {
        amount = _upTo(amount, token.balanceOf(account(from)));
        _try(
            account(from),
            abi.encodeCall(token.transfer, (account(to), amount)),
            _canMove(account(from), account(to))
        );
    }

    /// @dev For the burner, who is no holder of the rest.
    function redeem(uint256 from, uint256 amount) external {
        amount = _upTo(amount, token.balanceOf(account(from)));
        _try(
            account(from),
            abi.encodeCall(token.transfer, (address(this), amount)),
            _canMove(account(from), address(this))
        );
    }

    function transferFrom(uint256 from, uint256 to, uint256 by, uint256 amount) external {
        amount = _upTo(amount, token.balanceOf(account(from)));
        vm.prank(account(from));
        token.approve(account(by), amount);
        _try(
            account(by),
            abi.encodeCall(token.transferFrom, (account(from), account(to), amount)),
            _canMove(account(from), account(to)) && !token.isFrozen(account(by))
        );
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
        bytes memory data = abi.encodeWithSelector(
            token.transferWithAuthorization.selector,
            holder(from),
            holder(to),
            amount,
            0,
            type(uint256).max,
            nonce,
            v,
            r,
            s
        );
        _try(address(this), data, _canMove(holder(from), holder(to)));
    }

    /* VIEWS */

    /// @notice A holder, or the vault.
    function account(uint256 i) public view returns (address) {
        return i % (KEY_COUNT + 1) == KEY_COUNT ? vault : holder(i);
    }

    /// @notice Whether each frozen account has what it had, less what was seized.
    function isFrozenUntouched() external view returns (bool) {
        for (uint256 i = 0; i < KEY_COUNT; i++) {
            address who = holder(i);
            if (token.isFrozen(who) && token.balanceOf(who) != _balanceFrozen[who]) return false;
        }
        return true;
    }

    function holder(uint256 i) public pure returns (address) {
        return vm.addr(_key(i));
    }

    function balanceSum() external view returns (uint256 sum) {
        for (uint256 i = 0; i < KEY_COUNT; i++) {
            sum += token.balanceOf(holder(i));
        }
        sum += token.balanceOf(vault) + token.balanceOf(address(this));
    }

    function _try(address by, bytes memory data, bool isExpected) private returns (bool isDone) {
        vm.prank(by);
        (isDone,) = address(token).call(data);
        if (isDone != isExpected) isWrong = true;
    }

    function _canMove(address from, address to) private view returns (bool) {
        if (token.isFrozen(from) || token.isFrozen(to)) return false;
        return from == vault || !token.paused();
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
        assert(token.totalSupply() == handler.minted() - handler.burned());
        assert(handler.minted() <= handler.allowed());
    }

    /// forge-config: default.invariant.fail-on-revert = true
    /// forge-config: long.invariant.fail-on-revert = true
    function invariant_supervision__touches_the_frozen_by_seizure_alone() external view {
        assert(handler.isFrozenUntouched());
        assert(!token.isFrozen(handler.vault()));
    }

    /// forge-config: default.invariant.fail-on-revert = true
    /// forge-config: long.invariant.fail-on-revert = true
    function invariant_actions__succeed_when_they_may_and_only_then() external view {
        assert(!handler.isWrong());
    }

    /// @dev That the handler gets as far as each of its actions is not left to chance.
    function test_handler__whole_life__holds() external {
        handler.configureMinter(0, 1_000);
        handler.mint(0, 1, 600);
        handler.mint(0, 4, 400);
        handler.freeze(1);
        handler.transfer(1, 2, 10);
        handler.seize(1, 3, 100);
        handler.pause();
        handler.transfer(4, 2, 400);
        handler.transfer(2, 3, 1);
        handler.unpause();
        handler.redeem(2, 50);
        handler.burn(50);

        assert(!handler.isWrong());
        assert(token.balanceOf(handler.holder(1)) == 500);
        assert(token.balanceOf(handler.holder(2)) == 350);
        assert(token.totalSupply() == 950);
    }

    function testFuzz_transfer__any_amounts__moves_or_reverts(
        address payer,
        address payee,
        uint256 balance,
        uint256 amount
    ) external {
        vm.assume(payer != address(0) && payee != address(0) && payer != payee);
        balance %= 2 ** 128;
        handler.configureMinter(0, uint128(balance));
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
