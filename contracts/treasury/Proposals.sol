// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ISpendingPolicy} from "../interfaces/ISpendingPolicy.sol";
import {ITreasury} from "../interfaces/ITreasury.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title Proposals: the EIP-712 digests of what the treasury's signers sign
/// @dev It has no powers, and no state.
abstract contract Proposals is ITreasury, EIP712 {
    bytes32 private constant CALL_TYPEHASH =
        keccak256("Call(address target,uint256 value,bytes data)");
    bytes32 private constant CANCELLATION_TYPEHASH = keccak256("Cancellation(bytes32 proposal)");
    bytes32 private constant PROPOSAL_TYPEHASH = keccak256(
        "Proposal(bytes proposer,Call[] calls,uint192 nonceKey,uint64 nonce,uint64 deadline,"
        "bytes32 purpose)Call(address target,uint256 value,bytes data)"
    );

    constructor() EIP712("Causeway Treasury", "1") {}

    /// @inheritdoc ITreasury
    function proposalId(Proposal calldata proposal) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    PROPOSAL_TYPEHASH,
                    keccak256(proposal.proposer),
                    _hash(proposal.calls),
                    proposal.nonceKey,
                    proposal.nonce,
                    proposal.deadline,
                    proposal.purpose
                )
            )
        );
    }

    /// @inheritdoc ITreasury
    function cancellationId(bytes32 id) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CANCELLATION_TYPEHASH, id)));
    }

    function _hash(ISpendingPolicy.Call[] calldata calls) private pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            ISpendingPolicy.Call calldata each = calls[i];
            hashes[i] =
                keccak256(abi.encode(CALL_TYPEHASH, each.target, each.value, keccak256(each.data)));
        }
        return keccak256(abi.encodePacked(hashes));
    }
}
