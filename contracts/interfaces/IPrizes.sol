// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRollup} from "./IRollup.sol";

/// @title Prizes for many people, under one Merkle root
/// @notice For tournaments, cashback, referrals, airdrops: a sponsor pays in the whole sum and
/// fixes who gets what by a root. A prize is either *claimed* here, entry by entry, or *paid by
/// orders* in the ledger; which of the two is fixed when it is created, and no root serves both.
/// @dev All amounts are minor units of the prize's asset; times are seconds of L1. Everybody may be
/// a sponsor. Assumptions about a listed token are the rollup's.
/// An entry that is claimed is a leaf keccak(keccak(abi.encode(prizeId, index, person,
/// amountMinor))) of a tree whose nodes hash their two children in ascending order (`MerkleProof`
/// of OpenZeppelin). The id binds it to chain, contract, sponsor and salt; `index` is the entry's
/// place, from 0 and best without gaps.
/// @dev Warning: roots are opaque. Entries may sum up to more than the prize, and then the first to
/// claim are paid; a root of orders may hold one that gives all back. Who counts on a prize reads
/// the list behind `termsHash`.
interface IPrizes {
    /// @notice How a prize is paid: a claim goes to the person's wallet (no gate is asked), or into
    /// his ledger account (the deposit gate is); or the ledger executes the orders under the root.
    enum Payout {
        Wallet,
        Account,
        Orders
    }

    /// @notice A prize. `remainingMinor` is what is left in this contract.
    struct Prize {
        address sponsor;
        uint16 assetId;
        Payout payout;
        uint64 deadlineTsS; // the last second in which it can be claimed
        uint64 remainingMinor;
        bytes32 root;
        bytes32 termsHash; // of the list and the text that people read
    }

    /// @notice A prize was created and paid in.
    /// @param purse Owner of the ledger account that its orders spend from; 0 if it is claimed.
    event PrizeCreated(
        bytes32 indexed prizeId,
        address indexed sponsor,
        uint16 indexed assetId,
        Payout payout,
        bytes32 root,
        uint64 totalMinor,
        uint64 deadlineTsS,
        bytes32 termsHash,
        address purse
    );
    /// @notice An entry was paid.
    event PrizeClaimed(
        bytes32 indexed prizeId, uint256 indexed index, address indexed person, uint48 amountMinor
    );
    /// @notice What nobody had claimed by the deadline went back to the sponsor.
    event RestWithdrawn(bytes32 indexed prizeId, address indexed sponsor, uint64 amountMinor);

    /// @notice The sponsor has used this salt.
    error PrizeExists(bytes32 prizeId);
    /// @notice No prize has this id.
    error PrizeUnknown(bytes32 prizeId);
    /// @notice There is nothing to move.
    error AmountZero();
    /// @notice The deadline has passed.
    error DeadlinePassed(uint64 deadlineTsS, uint256 actualTsS);
    /// @notice The deadline has not passed.
    error DeadlineNotPassed(uint64 deadlineTsS, uint256 actualTsS);
    /// @notice The prize is paid by orders in the ledger: nothing is claimed or left here.
    error PaidByOrders(bytes32 prizeId);
    /// @notice Entry and proof do not lead to the prize's root.
    error EntryNotInPrize(bytes32 prizeId, uint256 index);
    /// @notice This entry was paid.
    error EntryClaimed(bytes32 prizeId, uint256 index);
    /// @notice What is left of the prize is less than the entry.
    error PrizeShort(uint64 availableMinor, uint48 neededMinor);
    /// @notice Only the prize's sponsor does this.
    error SenderNotSponsor(address expected, address actual);

    /// @notice Pays in a prize of the sender, and creates it.
    /// @dev The sender must have approved this contract for the total in token base units.
    /// @dev With `Payout.Orders` the total goes into the ledger account of `purseOf(prizeId)`,
    /// which authorises the orders under `root`: leaf = an order's digest, as in
    /// `IRollup.authorizeOrders`. The deposit gate must know the purse, by `evidence` if not
    /// before. The deadline then means nothing here: orders end by their `validUntil`.
    /// @dev Warning: nothing comes back from a purse but by an order under the same root, and its
    /// orders are executed in the order of their nonces. So beside each payment the root should
    /// hold a skip order (docs/PROTOCOL.md, section 4), and at the end orders that return what is
    /// left to the sponsor, all of them alive for longer than the payments.
    /// @param root Of the entries, or of the orders; not 0.
    /// @param salt Any number that the sponsor has not used: entries must know the prize's id.
    /// @param evidence For the deposit of the purse; unused otherwise.
    function createPrize(
        uint16 assetId,
        Payout payout,
        bytes32 root,
        uint64 totalMinor,
        uint64 deadlineTsS,
        bytes32 termsHash,
        bytes32 salt,
        bytes calldata evidence
    ) external returns (bytes32 prizeId);

    /// @notice Pays an entry to its person. Anyone may send it, up to the deadline.
    /// @dev A payment that is refused (by the gate, or because the person is frozen) changes
    /// nothing and can be repeated. Warning: the deadline does not wait for it.
    function claim(
        bytes32 prizeId,
        uint256 index,
        address person,
        uint48 amountMinor,
        bytes32[] calldata proof
    ) external;

    /// @notice Returns what nobody has claimed by the deadline. Only the sponsor.
    function withdrawRest(bytes32 prizeId) external;

    /// @notice Where prizes are paid in the ledger.
    function rollup() external view returns (IRollup);
    /// @notice A prize; all zero if unknown.
    function prizeOf(bytes32 prizeId) external view returns (Prize memory);
    /// @notice Whether an entry was paid.
    function isClaimed(bytes32 prizeId, uint256 index) external view returns (bool);
    /// @notice The id of a sponsor's prize: keccak(abi.encode(chain id, this contract, sponsor,
    /// salt)).
    function prizeIdOf(address sponsor, bytes32 salt) external view returns (bytes32);
    /// @notice The owner of the ledger account of a prize that is paid by orders: their payer.
    function purseOf(bytes32 prizeId) external view returns (address);
}
