// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {Stakes} from "./Stakes.sol";
import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Committee: the validators of each epoch
/// @notice Powers of the owner: to begin an epoch with other members, and to hand over ownership in
/// two steps or give it up. It can move no money and no stake; who names 2f + 1 members can have a
/// false batch accepted, until somebody proves that it is false.
contract Committee is Stakes, Ownable2Step {
    uint256 private constant SIGNATURE_SIZE_BYTES = 65;
    /// @dev 3 * 85 + 1: the bitmap of the signers has a bit for each.
    uint256 private constant MEMBERS_MAX = 256;

    mapping(uint32 term => address[] members) private _members;

    constructor(address owner, IRollup rollup_, address[] memory members, uint256 stakeWei_)
        Stakes(rollup_, stakeWei_)
        Ownable(owner)
    {
        _beginEpoch(members);
    }

    /* CERTIFICATES */

    /// @inheritdoc ICommittee
    function requireQuorum(uint32 epoch_, bytes32 digest, bytes calldata signatures)
        external
        view
        returns (uint256 signers)
    {
        if (epoch_ == 0 || epoch_ > epoch) revert EpochUnknown(epoch, epoch_);
        address[] memory members = _members[_termOf[epoch_]];
        uint256 needed = _quorum(members.length);
        _requireSize(needed, signatures.length);

        uint256 index = 0;
        address previous = address(0);
        for (uint256 i = 0; i < needed; ++i) {
            uint256 start = i * SIGNATURE_SIZE_BYTES;
            address signer =
                ECDSA.recoverCalldata(digest, signatures[start:start + SIGNATURE_SIZE_BYTES]);
            if (signer <= previous) revert SignersNotAscending(previous, signer);

            // Both lists ascend, so one walk over the members finds all signers.
            while (index < members.length && members[index] < signer) ++index;
            if (index == members.length || members[index] != signer) {
                revert SignerNotMember(signer);
            }
            _requireWhole(signer);
            signers |= 1 << index;
            previous = signer;
        }
    }

    /* ADMIN */

    /// @inheritdoc ICommittee
    function beginEpoch(address[] calldata members) external onlyOwner {
        _beginEpoch(members);
    }

    /* PUNISHMENT */

    /// @inheritdoc ICommittee
    function punish(uint32 epoch_, uint256 signers, uint64 batchNumber, address prover) external {
        if (msg.sender != address(rollup)) revert SenderNotRollup(address(rollup), msg.sender);

        address[] memory members = _members[_termOf[epoch_]];
        uint256 takenWei = 0;
        for (uint256 i = 0; i < members.length; ++i) {
            if (signers >> i & 1 == 1) takenWei += _slash(members[i]);
        }
        uint256 burntWei = _setReward(takenWei, batchNumber, prover);
        uint32 term = _termOf[epoch];
        emit EpochBegun(_nextEpoch(term), _members[term]);

        _burn(burntWei);
    }

    /* VIEWS */

    /// @inheritdoc ICommittee
    function membersOf(uint32 epoch_) external view returns (address[] memory) {
        return _members[_termOf[epoch_]];
    }

    /// @inheritdoc ICommittee
    function quorumOf(uint32 epoch_) external view returns (uint256) {
        uint256 count = _members[_termOf[epoch_]].length;
        return count == 0 ? 0 : _quorum(count);
    }

    /* INTERNAL */

    function _beginEpoch(address[] memory members) private {
        uint256 count = members.length;
        if (count % 3 != 1 || count > MEMBERS_MAX) revert MemberCountInvalid(count);
        uint32 next = _nextEpoch(0);
        address previous = address(0);
        for (uint256 i = 0; i < count; ++i) {
            if (members[i] <= previous) revert MembersNotAscending(previous, members[i]);
            previous = members[i];
            _lastTermOf[previous] = next;
        }

        _members[next] = members;
        emit EpochBegun(next, members);
    }

    /// @dev 2f + 1 of 3f + 1 members: all but f.
    function _quorum(uint256 memberCount) private pure returns (uint256) {
        return memberCount - (memberCount - 1) / 3;
    }

    function _requireSize(uint256 needed, uint256 sizeBytes) private pure {
        uint256 expectedBytes = needed * SIGNATURE_SIZE_BYTES;
        if (sizeBytes < expectedBytes) {
            revert QuorumNotReached(needed, sizeBytes / SIGNATURE_SIZE_BYTES);
        }
        // Exactly a quorum: otherwise who sends a batch could choose among several proofs of it.
        if (sizeBytes > expectedBytes) revert SignaturesTooLong(expectedBytes, sizeBytes);
    }
}
