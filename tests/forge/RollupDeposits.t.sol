// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRollup} from "../../contracts/interfaces/IRollup.sol";
import {Rollup} from "../../contracts/rollup/Rollup.sol";
import {AuthorizationToken} from "../../contracts/test/AuthorizationToken.sol";
import {SwitchGate} from "../../contracts/test/SwitchGate.sol";
import {Core} from "./Core.sol";
import {vm} from "./Vm.sol";

/// @notice Whoever sends a deposit that somebody signed can't change what becomes of it.
contract RollupDepositsTest {
    uint256 private constant KEY = 11;
    uint256 private constant HELD = 2 ** 100;

    Rollup private rollup;
    AuthorizationToken private token;

    function setUp() external {
        rollup = Core.deploy(new SwitchGate());
        token = new AuthorizationToken();
        rollup.listAsset(address(token), 1, address(0));
        // Another asset, so that there is one to name in its place.
        rollup.listAsset(address(new AuthorizationToken()), 1, address(0));
        token.mint(vm.addr(KEY), HELD);
    }

    function testFuzz_deposit_with_authorization__as_signed__succeeds(
        address owner,
        uint48 amount,
        bytes32 salt
    ) external {
        vm.assume(owner != address(0) && amount != 0);

        assert(_deposit(1, owner, amount, _signed(owner, amount, salt)));
        assert(token.balanceOf(address(rollup)) == amount);
        assert(token.balanceOf(vm.addr(KEY)) == HELD - amount);
    }

    function testFuzz_deposit_with_authorization__otherwise__reverts(
        address owner,
        uint48 amount,
        bytes32 salt,
        address otherOwner,
        uint48 otherAmount,
        bytes32 otherSalt
    ) external {
        vm.assume(owner != address(0) && amount != 0 && otherAmount != 0);
        vm.assume(owner != otherOwner && amount != otherAmount && salt != otherSalt);
        IRollup.Authorization memory authorization = _signed(owner, amount, salt);

        assert(!_deposit(1, otherOwner, amount, authorization));
        assert(!_deposit(1, owner, otherAmount, authorization));
        assert(!_deposit(2, owner, amount, authorization));
        authorization.salt = otherSalt;
        assert(!_deposit(1, owner, amount, authorization));
        assert(token.balanceOf(vm.addr(KEY)) == HELD);
    }

    function _deposit(
        uint16 assetId,
        address owner,
        uint256 amount,
        IRollup.Authorization memory authorization
    ) private returns (bool isDone) {
        bytes memory data = abi.encodeCall(
            IRollup.depositWithAuthorization, (assetId, owner, amount, "", authorization)
        );
        (isDone,) = address(rollup).call(data);
    }

    function _signed(address owner, uint256 amount, bytes32 salt)
        private
        view
        returns (IRollup.Authorization memory)
    {
        bytes32 tag = keccak256("Deposit(uint16 assetId,address owner,bytes32 salt)");
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "ReceiveWithAuthorization(address from,address to,uint256 value,"
                    "uint256 validAfter,uint256 validBefore,bytes32 nonce)"
                ),
                vm.addr(KEY),
                address(rollup),
                amount,
                0,
                type(uint256).max,
                keccak256(abi.encode(tag, uint16(1), owner, salt))
            )
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", _domainSeparator(), structHash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, digest);
        return IRollup.Authorization(vm.addr(KEY), 0, type(uint256).max, salt, v, r, s);
    }

    function _domainSeparator() private view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,"
                    "address verifyingContract)"
                ),
                keccak256("Authorization"),
                keccak256("1"),
                block.chainid,
                address(token)
            )
        );
    }
}
