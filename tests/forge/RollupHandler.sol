// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICommittee} from "../../contracts/interfaces/ICommittee.sol";
import {IExits} from "../../contracts/interfaces/IExits.sol";
import {IRollup} from "../../contracts/interfaces/IRollup.sol";
import {ReturnBoolToken} from "../../contracts/test/ReturnBoolToken.sol";
import {SwitchGate} from "../../contracts/test/SwitchGate.sol";
import {Core} from "./Core.sol";
import {RollupBook} from "./RollupBook.sol";
import {Trees} from "./Trees.sol";
import {vm} from "./Vm.sol";

/// @notice Whatever can happen to a rollup's money, at random: deposits, batches, lies, roll-backs,
/// claims, advances, a freeze, escapes and refunds. It counts what came in and went out.
/// If somebody watches, no lie outlives its window.
contract RollupHandler is RollupBook {
    bytes32 private constant ADVANCE_TYPEHASH = keccak256(
        "Advance(address owner,uint64 nonce,address asset,uint256 amount,uint256 fee,"
        "uint64 validUntil)"
    );
    address private constant PROVIDER = address(0xA0);
    uint64 private constant INVENTED_MINOR = 10_000;

    bool private immutable _isWatched;
    ReturnBoolToken[] private _tokens;

    mapping(uint16 assetId => uint256) public depositedMinor;
    /// @notice What providers gave for what they advanced, which is owners' besides.
    mapping(uint16 assetId => uint256) public mintedForAdvances;
    /// @notice The most often that one withdrawal (owner, asset, nonce, amount) was paid.
    uint256 public paidMax;
    uint256 public claimCount;
    uint256 public advanceCount;
    uint256 public escapeCount;
    uint256 public refundCount;
    uint256 public rollBackCount;
    uint256 public rewardCount;
    /// @notice How many different roots all owners have authorised.
    uint256 public rootCount;
    /// @notice Whether the frontier ever fell or passed a batch whose window was open, a settled
    /// batch changed, or a removed one settled.
    bool public isFrontierWrong;
    /// @notice Whether an escape ever paid another sum than the last settled balance.
    bool public isEscapeWrong;

    mapping(bytes32 => uint256) private _paid;
    mapping(bytes32 => bool) private _isAuthorised;
    mapping(uint256 account => bool) private _isOut;
    mapping(uint256 index => bool) private _isBack;
    uint64 private _lastFrontier;
    bytes32 private _lastSlot;
    IRollup.AcceptedBatch private _removed; // by the last roll-back

    constructor(bool isWatched) RollupBook(Core.deploy(new SwitchGate())) {
        _isWatched = isWatched;
        for (uint256 i = 0; i < 2; ++i) {
            ReturnBoolToken listed = new ReturnBoolToken("Test Dollar", "TUSD", 6);
            rollup.listAsset(address(listed), 1, address(0));
            _tokens.push(listed);
        }
        vm.warp(365 days);
    }

    /* THE LEDGER */

    function deposit(uint256 by, uint48 amount) external {
        if (rollup.frozenTsS() != 0) return;
        (by, amount) = (by % ACCOUNT_COUNT, 1 + amount % 1_000);
        ReturnBoolToken token = tokenOf(_assetId(by));
        token.mint(address(this), amount);
        token.approve(address(rollup), amount);

        rollup.deposit(_assetId(by), owner(by), amount, "");
        depositedMinor[_assetId(by)] += amount;
        _records.push(
            IRollup.DepositRecord(
                address(token), _assetId(by), owner(by), amount, uint64(block.timestamp)
            )
        );
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

    /// @dev Consumes some deposits, and has some people pay or withdraw. One in eight is a lie: an
    /// account has more than it could.
    function post(uint256 seed) external {
        if (rollup.frozenTsS() != 0) return;
        State memory state = _last().state;
        bytes memory slots;
        for (uint256 i = 0; i < seed % 4 && state.cursor < _records.length; ++i) {
            slots = bytes.concat(slots, _consume(state));
        }
        bool isLie = seed >> 8 & 7 == 0;
        if (isLie) state.balancesMinor[seed % ACCOUNT_COUNT] += INVENTED_MINOR;
        for (uint256 i = 0; i < 1 + (seed >> 16) % 4; ++i) {
            uint256 noise = uint256(keccak256(abi.encode(seed, i)));
            slots = bytes.concat(slots, _operate(state, noise, slots.length / 15));
        }
        _submit(slots, state, isLie || _last().isLie);
    }

    /// @dev The last batch's operations once more, with the same nonces.
    function postAgain(uint256 seed) external {
        uint256 last = _posted.length - 1;
        if (seed % 4 != 0 || last == 0 || rollup.frozenTsS() != 0) return;
        uint256 count = _withdrawals.length;
        for (uint256 i = 0; i < count; ++i) {
            Withdrawal memory each = _withdrawals[i];
            if (each.batch != last) continue;
            each.batch = last + 1;
            _withdrawals.push(each);
        }
        bytes memory slots = _last().chunk;
        assembly ("memory-safe") {
            mstore(slots, 960)
        }
        _submit(slots, _last().state, true);
    }

    /// @dev Who watches acts in time.
    function pass(uint256 timeS) external {
        if (_isWatched) _removeLies();
        vm.warp(block.timestamp + timeS % (2 * Core.WINDOW_S));
    }

    /* THE BATCHES */

    /// @dev Seldom, since a second one soon after freezes.
    function rollBack(uint256 seed) external {
        uint256 open = _posted.length - 1 - rollup.frontier();
        if (seed % 4 != 0 || open == 0) return;
        _rollBack(_posted.length - 1 - (seed >> 8) % open, seed >> 16);
    }

    function settle() public {
        while (rollup.frontier() + 1 < _posted.length) {
            if (!_settles(_posted[rollup.frontier() + 1].batch)) break;
        }
        // What was removed never settles.
        if (_removed.header.number == _posted.length && _settles(_removed)) isFrontierWrong = true;
        _watchFrontier();
    }

    /// @dev Every other time, silence: the rollup ends, and what was accepted settles.
    function freeze(uint256 seed) external {
        if (seed % 2 == 0) {
            if (_isWatched) _removeLies();
            vm.warp(block.timestamp + Core.SILENCE_S);
        }
        try rollup.freezeForSilence(_last().batch) {} catch {}
        settle();
    }

    /* MONEY THAT LEAVES */

    /// @dev Mostly of batches that can settle.
    function claim(uint256 index) external {
        uint256 count = 0;
        while (count < _withdrawals.length && _withdrawals[count].batch <= rollup.frontier() + 1) {
            ++count;
        }
        if (count == 0) return;
        Withdrawal memory chosen = _withdrawals[index % count];
        uint16 assetId = _assetId(chosen.account);
        uint256 before = tokenOf(assetId).balanceOf(address(rollup));

        try rollup.claimWithdrawal(_posted[chosen.batch].batch, _claimProof(chosen)) {
            uint256 amount = before - tokenOf(assetId).balanceOf(address(rollup));
            bytes32 key = keccak256(abi.encode(chosen.account, chosen.nonce, amount));
            if (++_paid[key] > paidMax) paidMax = _paid[key];
            ++claimCount;
        } catch {}
        _watchFrontier();
    }

    function advance(uint256 index, uint256 fee) external {
        if (_withdrawals.length == 0) return;
        Withdrawal memory chosen = _withdrawals[index % _withdrawals.length];
        ReturnBoolToken token = tokenOf(_assetId(chosen.account));
        IExits.Advance memory order = IExits.Advance({
            owner: owner(chosen.account),
            nonce: chosen.nonce,
            asset: address(token),
            amount: chosen.amountMinor,
            fee: fee % (1 + uint256(chosen.amountMinor)),
            validUntil: type(uint64).max
        });
        token.mint(PROVIDER, order.amount - order.fee);
        mintedForAdvances[_assetId(chosen.account)] += order.amount - order.fee;
        bytes memory signature = _signed(order, _ownerKey(chosen.account));
        IExits exits = rollup.exits();

        vm.startPrank(PROVIDER);
        token.approve(address(exits), order.amount);
        try exits.advance(order, signature) {
            ++advanceCount;
        } catch {}
        vm.stopPrank();
    }

    /// @dev `mask` says which accounts are shown.
    function escape(uint256 mask) external {
        uint256 frontier = rollup.frontier();
        State memory state = _posted[frontier].state;
        Trees.Tree memory tree = _tree(state);
        uint256[6] memory before;
        for (uint256 i = 0; i < ACCOUNT_COUNT; ++i) {
            tree.isShown[1 + i] = mask >> i & 1 == 1;
            before[i] = _held(i);
        }

        try rollup.escape(_posted[frontier].batch, Trees.multiproof(tree)) {
            for (uint256 i = 0; i < ACCOUNT_COUNT; ++i) {
                uint256 paid = _held(i) - before[i];
                if (paid == 0) continue;
                if (_isOut[i] || paid != state.balancesMinor[i] || mask >> i & 1 == 0) {
                    isEscapeWrong = true;
                }
                _isOut[i] = true;
                ++escapeCount;
            }
        } catch {}
    }

    function refund(uint256 seed) external {
        if (_records.length == 0) return;
        uint256 first = seed % _records.length;
        uint256 count = 1 + (seed >> 64) % (_records.length - first);
        IRollup.DepositRecord[] memory records = new IRollup.DepositRecord[](count);
        for (uint256 i = 0; i < count; ++i) {
            records[i] = _records[first + i];
        }

        try rollup.refund(_posted[rollup.frontier()].batch, uint64(first), records) {
            for (uint256 i = first; i < first + count; ++i) {
                _isBack[i] = true;
            }
            ++refundCount;
        } catch {}
    }

    /* THE COMMITTEE'S ETHER */

    function reward(uint256 index) external {
        ICommittee committee = rollup.committee();
        try committee.creditReward(index % 4) {} catch {}
        vm.prank(PROVIDER);
        try committee.withdrawReward() {
            ++rewardCount;
        } catch {}
    }

    /* VIEWS */

    function tokenOf(uint16 assetId) public view returns (ReturnBoolToken) {
        return _tokens[assetId - 1];
    }

    /// @notice What has left the vault, by where it is now.
    function paidOut(uint16 assetId) external view returns (uint256 sum) {
        sum = tokenOf(assetId).balanceOf(PROVIDER);
        for (uint256 i = 0; i < OWNER_COUNT; ++i) {
            sum += tokenOf(assetId).balanceOf(owner(i));
        }
        return sum - mintedForAdvances[assetId];
    }

    /// @notice What is still somebody's by the last settled batch: balances, withdrawals that were
    /// not claimed, and deposits that it has not consumed.
    function owedMinor(uint16 assetId) external view returns (uint256 sum) {
        uint256 frontier = rollup.frontier();
        State memory state = _posted[frontier].state;
        for (uint256 i = 0; i < ACCOUNT_COUNT; ++i) {
            if (_assetId(i) == assetId && !_isOut[i]) sum += state.balancesMinor[i];
        }
        for (uint256 i = 0; i < _withdrawals.length; ++i) {
            Withdrawal memory each = _withdrawals[i];
            if (each.batch > frontier || _assetId(each.account) != assetId) continue;
            uint256 amountMinor = each.amountMinor;
            bytes32 key = keccak256(abi.encode(each.account, each.nonce, amountMinor));
            if (_paid[key] == 0) sum += each.amountMinor;
        }
        for (uint256 i = state.cursor; i < _records.length; ++i) {
            if (_records[i].assetId == assetId && !_isBack[i]) sum += _records[i].amountMinor;
        }
    }

    /// @notice The committee's stakes, and rewards that wait or were not drawn.
    function committeeOwesWei() external view returns (uint256 sum) {
        sum = rollup.committee().stakeOf(vm.addr(Core.MEMBER_KEY))
            + rollup.committee().owedWei(PROVIDER);
        for (uint256 i = 0; i < rollup.committee().rewardCount(); ++i) {
            (,, uint256 amountWei) = rollup.committee().rewards(i);
            sum += amountWei;
        }
    }

    /* INTERNAL */

    function _consume(State memory state) private view returns (bytes memory slot) {
        IRollup.DepositRecord memory record = _records[state.cursor];
        ++state.cursor;
        for (uint256 i = 0; i < ACCOUNT_COUNT; ++i) {
            if (owner(i) != record.owner || _assetId(i) != record.assetId) continue;
            state.balancesMinor[i] += record.amountMinor;
            slot = _slot(0, _id(i), record.amountMinor);
        }
    }

    /// @dev A payment to the next owner, or more often a withdrawal, of money that is there.
    function _operate(State memory state, uint256 noise, uint256 position)
        private
        returns (bytes memory)
    {
        uint256 payer = noise % ACCOUNT_COUNT;
        uint64 balanceMinor = state.balancesMinor[payer];
        if (balanceMinor == 0) return "";
        uint48 amountMinor = 1 + uint48((noise >> 64) % balanceMinor);
        state.balancesMinor[payer] = balanceMinor - amountMinor;
        uint64 nonce = state.nonces[payer]++;
        if (noise >> 8 & 3 == 0) {
            uint256 payee = payer / OWNER_COUNT * OWNER_COUNT + (payer + 1) % OWNER_COUNT;
            state.balancesMinor[payee] += amountMinor;
            return _slot(_id(payer), _id(payee), amountMinor);
        }
        _withdrawals.push(Withdrawal(_posted.length, position, payer, nonce, amountMinor));
        return _slot(_id(payer), 0, amountMinor);
    }

    function _slot(uint32 payer, uint32 payee, uint48 amountMinor)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(payer, payee, amountMinor, uint8(0));
    }

    function _signed(IExits.Advance memory order, uint256 key) private view returns (bytes memory) {
        bytes32 hash = keccak256(abi.encode(ADVANCE_TYPEHASH, order));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", rollup.domainSeparator(), hash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _held(uint256 account) private view returns (uint256) {
        return tokenOf(_assetId(account)).balanceOf(owner(account));
    }

    function _removeLies() private {
        for (uint256 i = rollup.frontier() + 1; i < _posted.length; ++i) {
            if (_posted[i].isLie) return _rollBack(i, i);
        }
    }

    /// @dev Three in four provers had committed to their proof.
    function _rollBack(uint256 number, uint256 seed) private {
        address prover = seed % 4 == 0 ? address(0) : PROVIDER;
        vm.prank(address(rollup.disputes()));
        rollup.rollBack(_posted[number].batch, prover);
        _removed = _posted[number].batch;
        _forget(number);
        Core.stake(rollup);
        ++rollBackCount;
    }

    function _settles(IRollup.AcceptedBatch memory batch) private returns (bool) {
        IRollup.AcceptedBatch[] memory batches = new IRollup.AcceptedBatch[](1);
        batches[0] = batch;
        try rollup.settle(batches) {
            return true;
        } catch {
            return false;
        }
    }

    function _watchFrontier() private {
        uint64 frontier = rollup.frontier();
        if (frontier < _lastFrontier || frontier >= _posted.length) isFrontierWrong = true;
        if (rollup.batchSlot(_lastFrontier) != _lastSlot) isFrontierWrong = true;
        if (frontier > 0 && block.timestamp < _posted[frontier].batch.acceptedTsS + Core.WINDOW_S) {
            isFrontierWrong = true;
        }
        _lastFrontier = frontier;
        _lastSlot = rollup.batchSlot(frontier);
    }
}
