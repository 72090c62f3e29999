// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ISpendingPolicy} from "../../contracts/interfaces/ISpendingPolicy.sol";
import {ITreasury} from "../../contracts/interfaces/ITreasury.sol";
import {ReturnBoolToken} from "../../contracts/test/ReturnBoolToken.sol";
import {Treasury} from "../../contracts/treasury/Treasury.sol";
import {vm} from "./Vm.sol";
import {Bytes} from "@openzeppelin/contracts/utils/Bytes.sol";

/// @notice Pays, schedules, executes, cancels and forges at random, in the name of any of three
/// signers who weigh 1 each. One of them spends 100 within a day, two spend 1,000 more; the rest is
/// governance: two of them and a day. Keeps its own count of what was paid, by whom and when.
contract TreasuryHandler {
    struct Payment {
        uint256 tsS;
        uint256 amount;
        uint256 signerCount;
    }

    uint256 public constant FUNDS = 1_000_000;
    uint256 public constant SOLO_MAX = 100;
    uint256 public constant PAIR_MAX = 1_000;
    uint256 public constant WINDOW_S = 1 days;
    uint48 public constant TIMELOCK_S = 1 days;
    uint192 public constant NONCE_KEYS = 3;
    address public constant PAYEE = address(0xBEEF);
    uint256 private constant FIRST_KEY = 7;
    uint256 public constant SIGNERS = 3;
    uint256 private constant ATTACKER_KEY = 99;

    Treasury public immutable treasury;
    ReturnBoolToken public immutable token;

    uint256 public paidAmount;
    /// @notice Whether a proposal was executed again, by forged approvals, too early or although it
    /// was cancelled.
    bool public isReplayed;
    bool public isForged;
    bool public isEarly;
    bool public isRevived;
    /// @notice Whether a payment within the tiers was refused to signers who had enough left.
    bool public isRefused;
    mapping(bytes proposer => mapping(uint192 nonceKey => uint256)) public executedCount;
    Payment[] private _payments; // within tiers
    bytes[] private _executed; // proposals, encoded
    bytes[] private _scheduled;
    mapping(bytes32 id => uint256) private _scheduledAtTsS;

    constructor() {
        vm.warp(365 days);
        bytes[] memory signers = new bytes[](SIGNERS);
        uint64[] memory weights = new uint64[](SIGNERS);
        for (uint256 i = 0; i < SIGNERS; ++i) {
            signers[i] = signerOf(i);
            weights[i] = 1;
        }
        treasury =
            new Treasury(signers, weights, ITreasury.Governance(2, TIMELOCK_S, 2, false, 0, 0, 0));
        token = new ReturnBoolToken("Test Dollar", "TUSD", 6);
        token.mint(address(treasury), FUNDS);
        _setPolicy();
    }

    /* ACTIONS */

    /// @param members Bit i: signer i approves.
    function pay(uint256 members, uint256 amount, uint192 key) external {
        members = 1 + members % 7;
        amount %= 2 * SOLO_MAX;
        uint256 count = _count(members);
        bool isEnough = amount <= leftFor(count);
        ITreasury.Proposal memory proposal = _proposal(members, amount, key);

        try treasury.execute(proposal, _approvals(members, treasury.proposalId(proposal))) {
            _note(proposal, amount);
            _payments.push(Payment(block.timestamp, amount, count));
        } catch {
            isRefused = isRefused || isEnough;
        }
    }

    /// @dev Governance: more than any tier has.
    function schedule(uint256 members, uint256 amount, uint192 key) external {
        members = [uint256(3), 5, 6, 7][members % 4];
        amount = 1 + PAIR_MAX + amount % PAIR_MAX;
        ITreasury.Proposal memory proposal = _proposal(members, amount, key);
        bytes32 id = treasury.proposalId(proposal);
        if (_scheduledAtTsS[id] != 0 || treasury.isCancelled(id)) return;

        treasury.schedule(proposal, _approvals(members, id));
        _scheduled.push(abi.encode(proposal));
        _scheduledAtTsS[id] = block.timestamp;
    }

    function executeScheduled(uint256 index) external {
        if (_scheduled.length == 0) return;
        ITreasury.Proposal memory proposal =
            abi.decode(_scheduled[index % _scheduled.length], (ITreasury.Proposal));
        bytes32 id = treasury.proposalId(proposal);
        bool wasCancelled = treasury.isCancelled(id);

        try treasury.execute(proposal, _approvals(7, id)) {
            isRevived = isRevived || wasCancelled;
            isEarly = isEarly || block.timestamp < _scheduledAtTsS[id] + TIMELOCK_S;
            _note(proposal, _amountOf(proposal));
        } catch {}
    }

    function cancel(uint256 index, uint256 by) external {
        if (_scheduled.length == 0) return;
        ITreasury.Proposal memory proposal =
            abi.decode(_scheduled[index % _scheduled.length], (ITreasury.Proposal));
        bytes32 cancellation = treasury.cancellationId(treasury.proposalId(proposal));
        treasury.cancel(proposal, _approvals([uint256(3), 5, 6, 7][by % 4], cancellation));
    }

    function replay(uint256 index) external {
        if (_executed.length == 0) return;
        ITreasury.Proposal memory proposal =
            abi.decode(_executed[index % _executed.length], (ITreasury.Proposal));
        try treasury.execute(proposal, _approvals(7, treasury.proposalId(proposal))) {
            isReplayed = true;
        } catch {}
    }

    /// @dev One signer passes himself off as two, by each way that there might be.
    function forge(uint256 way, uint192 key) external {
        ITreasury.Proposal memory proposal = _proposal(1, SOLO_MAX + 1, key);
        bytes32 id = treasury.proposalId(proposal);
        ITreasury.Approval[] memory approvals = _approvals(3, id);
        ITreasury.Approval memory own = _approvals(1, id)[0];
        if (way % 5 == 0) (approvals[0], approvals[1]) = (own, own);
        if (way % 5 == 1) approvals[1].signature = approvals[0].signature;
        if (way % 5 == 2) approvals[way % 2].signature = "";
        if (way % 5 == 3) approvals[1].signer = abi.encodePacked(vm.addr(ATTACKER_KEY));
        if (way % 5 == 4) approvals[0].signature = _sign(ATTACKER_KEY, id);

        try treasury.execute(proposal, approvals) {
            isForged = true;
        } catch {}
    }

    function pass(uint256 timeS) external {
        vm.warp(block.timestamp + timeS % WINDOW_S);
    }

    /* VIEWS */

    function signerOf(uint256 index) public pure returns (bytes memory) {
        return abi.encodePacked(vm.addr(FIRST_KEY + index));
    }

    /// @notice What `count` signers, or more, spent at tiers within the window that ends now.
    function spentByUpTo(uint256 count) public view returns (uint256 sum) {
        for (uint256 i = 0; i < _payments.length; ++i) {
            Payment memory each = _payments[i];
            if (each.tsS + WINDOW_S > block.timestamp && each.signerCount <= count) {
                sum += each.amount;
            }
        }
    }

    /// @notice The largest payment that `count` signers can make now.
    function leftFor(uint256 count) public view returns (uint256) {
        uint256 solo = SOLO_MAX - treasury.policy().spentAt(address(token), 0);
        if (count == 1) return solo;
        uint256 pair = PAIR_MAX - treasury.policy().spentAt(address(token), 1);
        return pair > solo ? pair : solo;
    }

    /* INTERNAL */

    function _setPolicy() private {
        ISpendingPolicy policy = treasury.policy();
        ISpendingPolicy.Tier[] memory tiers = new ISpendingPolicy.Tier[](2);
        tiers[0] = ISpendingPolicy.Tier(uint208(SOLO_MAX), 1, 0);
        tiers[1] = ISpendingPolicy.Tier(uint208(PAIR_MAX), 2, 0);
        vm.startPrank(address(treasury));
        policy.setAsset(address(token), uint48(WINDOW_S), false, tiers);
        policy.setRule(
            address(token),
            token.transfer.selector,
            ISpendingPolicy.Rule(ISpendingPolicy.RuleKind.Spending, address(token), 1, 0, 0, 0)
        );
        vm.stopPrank();
    }

    function _note(ITreasury.Proposal memory proposal, uint256 amount) private {
        paidAmount += amount;
        ++executedCount[proposal.proposer][proposal.nonceKey];
        _executed.push(abi.encode(proposal));
    }

    /// @dev The lowest of the members proposes.
    function _proposal(uint256 members, uint256 amount, uint192 key)
        private
        view
        returns (ITreasury.Proposal memory)
    {
        uint256 proposer = 0;
        while (members >> proposer & 1 == 0) ++proposer;
        ISpendingPolicy.Call[] memory calls = new ISpendingPolicy.Call[](1);
        calls[0] = ISpendingPolicy.Call(
            address(token), 0, abi.encodeCall(token.transfer, (PAYEE, amount))
        );
        key %= NONCE_KEYS;
        bytes memory signer = signerOf(proposer);
        return ITreasury.Proposal({
            proposer: signer,
            calls: calls,
            nonceKey: key,
            nonce: treasury.nonceOf(signer, key),
            deadline: type(uint64).max,
            purpose: 0
        });
    }

    /// @dev In ascending order of keccak256(signer).
    function _approvals(uint256 members, bytes32 digest)
        private
        pure
        returns (ITreasury.Approval[] memory approvals)
    {
        approvals = new ITreasury.Approval[](_count(members));
        uint256 count = 0;
        for (uint256 i = 0; i < SIGNERS; ++i) {
            if (members >> i & 1 == 0) continue;
            bytes memory signer = signerOf(i);
            uint256 place = count++;
            while (place > 0 && keccak256(approvals[place - 1].signer) > keccak256(signer)) {
                approvals[place] = approvals[place - 1];
                --place;
            }
            approvals[place] = ITreasury.Approval(signer, _sign(FIRST_KEY + i, digest));
        }
    }

    function _sign(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _count(uint256 members) private pure returns (uint256 count) {
        for (uint256 i = 0; i < SIGNERS; ++i) {
            count += members >> i & 1;
        }
    }

    /// @dev The last word of the only call.
    function _amountOf(ITreasury.Proposal memory proposal) private pure returns (uint256) {
        bytes memory data = proposal.calls[0].data;
        return uint256(bytes32(Bytes.slice(data, data.length - 32)));
    }
}
