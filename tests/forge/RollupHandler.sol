// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICommittee} from "../../contracts/interfaces/ICommittee.sol";
import {IRollup} from "../../contracts/interfaces/IRollup.sol";
import {StateTree} from "../../contracts/libraries/StateTree.sol";
import {Committee} from "../../contracts/rollup/Committee.sol";
import {Rollup} from "../../contracts/rollup/Rollup.sol";
import {ReturnBoolToken} from "../../contracts/test/ReturnBoolToken.sol";
import {SwitchGate} from "../../contracts/test/SwitchGate.sol";
import {vm} from "./Vm.sol";

/// @notice Deposits, posts, settles and claims at random, with a committee that may sign any
/// withdrawal: of money that isn't there, or of the same money again. Keeps its own count of what
/// came in and went out.
contract RollupHandler {
    struct Withdrawal {
        uint256 batch;
        uint256 slotNumber;
        uint32 payer;
    }

    uint256 public constant WINDOW_S = 1 days;
    uint256 private constant MEMBER_KEY = 7;
    uint32 private constant FIRST_ID = 2;
    uint256 private constant OWNER_COUNT = 3;
    uint256 private constant WITHDRAWALS_MAX = 4; // in a batch
    uint64 private constant BALANCE_MINOR = 2 ** 60; // what the lying committee says

    Rollup public immutable rollup;
    ReturnBoolToken public immutable token;

    uint256 public depositedMinor;
    uint256 public claimedMinor;
    /// @notice The most often that one withdrawal (owner, nonce, amount) was paid.
    uint256 public paidMax;
    /// @notice How many different roots all owners have authorised.
    uint256 public rootCount;
    /// @notice Whether the frontier ever fell, or passed a batch whose window was open.
    bool public isFrontierWrong;

    mapping(bytes32 => uint256) private _paid;
    mapping(bytes32 => bool) private _isAuthorised;
    IRollup.AcceptedBatch[] private _batches;
    bytes[] private _chunks;
    uint64[3][] private _nonces; // after each batch
    Withdrawal[] private _withdrawals;
    uint64 private _lastFrontier;

    constructor() {
        address[] memory members = new address[](1);
        members[0] = vm.addr(MEMBER_KEY);
        Committee committee = new Committee(address(this), members);
        rollup = new Rollup(
            ICommittee(committee), new SwitchGate(), address(this), uint64(WINDOW_S), 365 days
        );
        token = new ReturnBoolToken("Test Dollar", "TUSD", 6);
        rollup.listAsset(address(token), 1, address(0));
        vm.warp(365 days);
        _batches.push();
        _chunks.push("");
        _nonces.push();
    }

    /* ACTIONS */

    function deposit(uint256 by, uint48 amount) external {
        amount = 1 + amount % 1_000;
        token.mint(address(this), amount);
        token.approve(address(rollup), amount);
        rollup.deposit(1, owner(by), amount, "");
        depositedMinor += amount;
    }

    /// @dev Of few roots, so that some come again.
    function authorize(uint256 by, uint256 seed) external {
        bytes32 root = bytes32(1 + seed % 4);
        bytes32 key = keccak256(abi.encode(owner(by), root));
        if (!_isAuthorised[key]) ++rootCount;
        _isAuthorised[key] = true;
        vm.prank(owner(by));
        rollup.authorizeOrders(root);
    }

    /// @dev Up to four withdrawals, of about what people have.
    function post(uint256 seed) external {
        uint64[3] memory nonces = _nonces[_nonces.length - 1];
        bytes memory chunk;
        for (uint256 i = 0; i < 1 + seed % WITHDRAWALS_MAX; ++i) {
            uint256 noise = uint256(keccak256(abi.encode(seed, i)));
            uint256 who = noise % OWNER_COUNT;
            ++nonces[who];
            chunk = bytes.concat(chunk, _withdrawalSlot(who, 1 + uint48(noise >> 64) % 1_000));
            _withdrawals.push(Withdrawal(_batches.length, i, FIRST_ID + uint32(who)));
        }
        chunk = bytes.concat(chunk, new bytes(960 - chunk.length), _path(nonces, 0)[32]);
        _submit(chunk, nonces);
    }

    /// @dev The last batch's operations once more, with the same nonces.
    function postAgain() external {
        uint256 last = _batches.length - 1;
        if (last == 0) return;
        bytes memory chunk = _chunks[last];
        uint256 count = _withdrawals.length;
        for (uint256 i = 0; i < count; ++i) {
            Withdrawal memory each = _withdrawals[i];
            if (each.batch == last) {
                _withdrawals.push(Withdrawal(last + 1, each.slotNumber, each.payer));
            }
        }
        _submit(chunk, _nonces[last]);
    }

    function pass(uint256 timeS) external {
        vm.warp(block.timestamp + timeS % (2 * WINDOW_S));
    }

    function settle() external {
        uint256 next = rollup.frontier() + 1;
        if (next >= _batches.length) return;
        IRollup.AcceptedBatch[] memory batches = new IRollup.AcceptedBatch[](1);
        batches[0] = _batches[next];
        try rollup.settle(batches) {} catch {}
        _watchFrontier();
    }

    function claim(uint256 index) external {
        if (_withdrawals.length == 0) return;
        Withdrawal memory chosen = _withdrawals[index % _withdrawals.length];
        uint256 before = token.balanceOf(address(rollup));

        try rollup.claimWithdrawal(_batches[chosen.batch], _proof(chosen)) {
            uint256 amount = before - token.balanceOf(address(rollup));
            claimedMinor += amount;
            bytes32 key = keccak256(abi.encode(chosen.payer, _nonceOf(chosen), amount));
            if (++_paid[key] > paidMax) paidMax = _paid[key];
        } catch {}
        _watchFrontier();
    }

    /* VIEWS */

    function owner(uint256 i) public pure returns (address) {
        return address(uint160(0x1000 + i % OWNER_COUNT));
    }

    function paidOut() external view returns (uint256 sum) {
        for (uint256 i = 0; i < OWNER_COUNT; ++i) {
            sum += token.balanceOf(owner(i));
        }
    }

    /* INTERNAL */

    function _submit(bytes memory chunk, uint64[3] memory nonces) private {
        vm.roll(block.number + 1);
        IRollup.AcceptedBatch memory parent = _batches[_batches.length - 1];
        bool isFirst = _batches.length == 1;
        bytes32[] memory hashes = new bytes32[](1);
        hashes[0] = keccak256(chunk);
        IRollup.BatchHeader memory header = IRollup.BatchHeader({
            number: uint64(_batches.length),
            epoch: 1,
            parentHash: isFirst ? bytes32(0) : rollup.headerHash(parent.header),
            preRoot: isFirst ? rollup.genesisRoot() : parent.header.postRoot,
            postRoot: _path(nonces, 0)[32],
            chunksRoot: StateTree.chunksRoot(hashes),
            chunkCount: 1,
            dataHash: keccak256(chunk),
            depositCursor: rollup.depositCount(),
            l1BlockNumber: uint64(block.number - 1),
            l1BlockHash: blockhash(block.number - 1),
            lastBlockNumber: uint64(_batches.length),
            lastBlockHash: keccak256(abi.encode(_batches.length)),
            timestamp: uint64(block.timestamp)
        });
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(MEMBER_KEY, rollup.headerHash(header));

        vm.prank(owner(0), owner(0));
        rollup.submitBatchCalldata(header, parent, abi.encodePacked(r, s, v), chunk);
        _batches.push(IRollup.AcceptedBatch(header, uint64(block.timestamp), 1));
        _chunks.push(chunk);
        _nonces.push(nonces);
    }

    function _proof(Withdrawal memory chosen)
        private
        view
        returns (IRollup.WithdrawalProof memory proof)
    {
        uint256 who = chosen.payer - FIRST_ID;
        uint64[3] memory nonces = _nonces[chosen.batch];
        bytes32[33] memory path = _path(nonces, chosen.payer);
        proof.slotNumber = chosen.slotNumber;
        proof.chunk = _chunks[chosen.batch];
        proof.owner = owner(who);
        proof.assetId = 1;
        proof.nonce = nonces[who];
        proof.balanceMinor = BALANCE_MINOR;
        for (uint256 level = 0; level < 32; ++level) {
            proof.leafPath[level] = path[level];
        }
    }

    /// @dev The payer's nonce before the operation.
    function _nonceOf(Withdrawal memory chosen) private view returns (uint64 nonce) {
        nonce = _nonces[chosen.batch][chosen.payer - FIRST_ID];
        bytes memory chunk = _chunks[chosen.batch];
        for (uint256 i = chosen.slotNumber; i < 64; ++i) {
            if (uint8(chunk[i * 15 + 3]) == chosen.payer) --nonce;
        }
    }

    /// @dev Returns the siblings of an account, and the root behind them.
    function _path(uint64[3] memory nonces, uint256 id)
        private
        pure
        returns (bytes32[33] memory path)
    {
        bytes32[8] memory nodes;
        for (uint256 i = 0; i < OWNER_COUNT; ++i) {
            nodes[FIRST_ID + i] = StateTree.leaf(owner(i), 1, nonces[i], BALANCE_MINOR);
        }
        uint256 count = 8;
        for (uint256 level = 0; level < 32; ++level) {
            path[level] = count > 1 ? nodes[(id >> level) ^ 1] : bytes32(0);
            count = count > 1 ? count / 2 : 1;
            for (uint256 i = 0; i < count; ++i) {
                nodes[i] = level < 3
                    ? StateTree.node(nodes[2 * i], nodes[2 * i + 1])
                    : StateTree.node(nodes[i], 0);
            }
        }
        path[32] = nodes[0];
    }

    function _withdrawalSlot(uint256 who, uint48 amountMinor) private pure returns (bytes memory) {
        return abi.encodePacked(FIRST_ID + uint32(who), uint32(0), amountMinor, uint8(0));
    }

    function _watchFrontier() private {
        uint64 frontier = rollup.frontier();
        if (frontier < _lastFrontier || frontier >= _batches.length) isFrontierWrong = true;
        if (frontier > 0 && block.timestamp < _batches[frontier].acceptedTsS + WINDOW_S) {
            isFrontierWrong = true;
        }
        _lastFrontier = frontier;
    }
}
