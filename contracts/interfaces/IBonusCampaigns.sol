// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IKycRegistry} from "./IKycRegistry.sol";
import {IRollup} from "./IRollup.sol";

/// @title Bonuses that are paid into the ledger once their conditions hold
/// @notice A sponsor funds a campaign. Who deposits within its window is *granted* a bonus: the
/// amount is set aside at once. It is *released* into his ledger account when all conditions hold,
/// or *forfeited* back to the campaign once it has expired:
/// - the holding period since his deposit is over;
/// - his KYC level, now, is the campaign's at least;
/// - attestors have signed that his turnover is what the campaign asks for;
/// - the grant has not expired.
/// @dev All amounts are minor units of the campaign's asset; times are seconds of L1. A campaign's
/// terms are written once, at its creation: no function changes them, so a grant refers to them.
/// Everybody may be a sponsor. Assumptions about a listed token are the rollup's, and that a
/// transfer takes no more than the amount from the payer.
/// @dev Warning: a deposit is money that came in, not money that stays. The ledger is off the
/// chain, so nothing here sees that a person withdrew; campaigns that care ask for turnover.
/// @dev Warning: a person is an address. Who has two addresses attested gets two grants.
/// @dev Warning: whoever names the attestors decides whose turnover counts; persons should read
/// them, and the text behind `termsHash`, before they deposit.
interface IBonusCampaigns {
    /// @notice What the turnover asked for is a multiple of.
    enum TurnoverBase {
        Deposit,
        Bonus
    }

    /// @notice Open: conditions are awaited. Earned: they held, but the payment was refused (by a
    /// closed gate, say); it can be repeated for ever. Released and Forfeited are the end.
    enum GrantState {
        None,
        Open,
        Earned,
        Released,
        Forfeited
    }

    /// @notice Why a grant of a batch was passed over.
    enum SkipReason {
        None,
        GrantUnknown,
        GrantClosed, // released or forfeited
        GrantEarned, // can't be forfeited
        Expired,
        NotExpired,
        HoldingNotOver,
        KycLevelTooLow,
        TurnoverTooLow,
        PaymentRefused // by rollup, gate or token
    }

    /// @notice What a deposit of `depositMinorMin` or more earns, up to the next tier's: a fixed
    /// amount, or basis points of the deposit rounded down; the other one is 0.
    struct Tier {
        uint48 depositMinorMin;
        uint48 bonusMinor;
        uint32 matchBps;
    }

    /// @notice A campaign's terms. A single tier is a plain match or a fixed bonus.
    struct Terms {
        uint16 assetId; // of the rollup
        uint8 kycLevelMin; // when granted and when released
        uint64 startTsS; // first and last second in which a deposit counts, by its L1 time
        uint64 endTsS;
        uint32 holdingS; // from the deposit's L1 time; over when they have passed
        uint32 expiryS; // from the grant's L1 time; it is alive for so long, and not shorter
        TurnoverBase turnoverBase;
        uint8 attestationsNeeded; // signatures of attestors; 0 if no turnover is asked for
        uint32 turnoverBps; // of the base, rounded up; 0 for none
        uint48 personMinorMax; // no grant is above it
        bytes32 termsHash; // of the text that people read
        Tier[] tiers; // 1 to 16, ascending; the first one's minimum is the campaign's
        address[] attestors; // ascending, at most 32
    }

    /// @notice A campaign. Its escrow is the budget and all its open and earned grants.
    struct Campaign {
        address sponsor;
        bool isEnded;
        uint64 budgetMinor; // neither granted nor withdrawn
        Terms terms;
    }

    /// @notice A grant. `turnoverMinor` is what attestors signed last.
    struct Grant {
        address person;
        uint48 depositMinor;
        uint48 bonusMinor;
        uint32 campaignId;
        GrantState state;
        uint64 depositIndex;
        uint64 depositTsS;
        uint64 grantedTsS;
        uint192 turnoverMinor;
        uint64 turnoverUpToTsS;
    }

    /// @notice A deposit as the rollup recorded it: fields of its event `DepositQueued`.
    struct DepositRecord {
        uint64 index;
        address owner;
        uint48 amountMinor;
        uint64 tsS;
    }

    /// @notice A condition: what it asks for, what is, and whether that is enough.
    struct Condition {
        uint256 needed;
        uint256 actual;
        bool isMet;
    }

    /// @notice What a grant still lacks. `obstacle` is the reason `release` would skip it for; None
    /// if it would try to pay.
    struct GrantStatus {
        GrantState state;
        SkipReason obstacle;
        Condition holding; // times in seconds: the first that is late enough, and now
        Condition kycLevel;
        Condition turnover; // minor units
        Condition expiry; // times in seconds: the last that is early enough, and now
    }

    /// @notice A campaign was created; these are its terms for ever.
    event CampaignCreated(uint32 indexed campaignId, address indexed sponsor, Terms terms);
    /// @notice The sponsor's money came into the campaign's budget.
    event CampaignFunded(uint32 indexed campaignId, uint64 amountMinor);
    /// @notice Nothing is granted any more; what was granted stands.
    event CampaignEnded(uint32 indexed campaignId);
    /// @notice The rest of an ended campaign's budget went to its sponsor.
    event BudgetWithdrawn(uint32 indexed campaignId, address indexed sponsor, uint64 amountMinor);
    /// @notice A bonus was set aside for a person, for this deposit of his, now.
    event BonusGranted(
        uint256 indexed grantId,
        uint32 indexed campaignId,
        address indexed person,
        uint48 bonusMinor,
        DepositRecord record
    );
    /// @notice The campaign's attestors signed how much a person turned over since his deposit.
    event TurnoverAttested(uint256 indexed grantId, uint192 turnoverMinor, uint64 upTo);
    /// @notice All conditions held, but the payment was refused: expiry can't take it any more.
    event GrantEarned(uint256 indexed grantId);
    /// @notice A bonus was paid into the person's ledger account.
    /// @param depositIndex Of the bonus itself, in the rollup's queue.
    event GrantReleased(
        uint256 indexed grantId,
        uint32 indexed campaignId,
        address indexed person,
        uint48 bonusMinor,
        uint64 depositIndex
    );
    /// @notice An expired grant went back into its campaign's budget.
    event GrantForfeited(uint256 indexed grantId, uint32 indexed campaignId, uint48 bonusMinor);
    /// @notice A grant of a batch was not released, for this reason.
    event ReleaseSkipped(uint256 indexed grantId, SkipReason reason);
    /// @notice A grant of a batch was not forfeited, for this reason.
    event ForfeitSkipped(uint256 indexed grantId, SkipReason reason);

    /// @notice The window ends before it starts.
    error WindowInvalid(uint64 startTsS, uint64 endTsS);
    /// @notice A grant would expire before its holding period can be over.
    error ExpiryTooShort(uint32 minimum, uint32 actual);
    /// @notice A campaign has 1 to 16 tiers.
    error TierCountOutOfRange(uint256 minimum, uint256 maximum, uint256 actual);
    /// @notice The tier's minimum is not above the one before (or zero), or not exactly one of
    /// amount and basis points is set.
    error TierInvalid(uint256 index);
    /// @notice The cap of a person is zero.
    error PersonCapZero();
    /// @notice Turnover needs attestors and no turnover needs none: `needed` of `count` can't be.
    error AttestationsInvalid(uint256 needed, uint256 count);
    /// @notice Attestors are not in strictly ascending order of address, or the first is zero.
    error AttestorsNotAscending(address previous, address actual);

    /// @notice No campaign has this id.
    error CampaignUnknown(uint32 campaignId);
    /// @notice The campaign has ended.
    error CampaignIsEnded(uint32 campaignId);
    /// @notice The campaign has not ended: its budget is promised to who deposits next.
    error CampaignNotEnded(uint32 campaignId);
    /// @notice Only the campaign's sponsor does this.
    error SenderNotSponsor(address expected, address actual);
    /// @notice There is nothing to move.
    error AmountZero();

    /// @notice No such deposit of the campaign's asset is at that place of the rollup's queue.
    error DepositNotRecorded(uint64 index, bytes32 expectedHash, bytes32 actualHash);
    /// @notice The deposit's L1 time is outside the campaign's window.
    error DepositOutsideWindow(uint64 startTsS, uint64 endTsS, uint64 actualTsS);
    /// @notice The person has his grant of this campaign.
    error GrantedBefore(uint32 campaignId, address person, uint256 grantId);
    /// @notice The person's level, now, is below the campaign's.
    error KycLevelBelow(address person, uint8 needed, uint8 actual);
    /// @notice The deposit is below the first tier's minimum.
    error DepositTooSmall(uint48 minimum, uint48 actual);
    /// @notice The match, rounded down, is nothing.
    error BonusZero();
    /// @notice What is left of the budget is less than the bonus.
    error BudgetShort(uint64 availableMinor, uint48 neededMinor);

    /// @notice The grant is unknown or decided.
    error GrantNotOpen(uint256 grantId, GrantState state);
    /// @notice The campaign asks for no turnover.
    error TurnoverNotAsked(uint32 campaignId);
    /// @notice `upTo` lies ahead of L1 time.
    error TurnoverFromFuture(uint64 latest, uint64 actual);
    /// @notice `upTo` is not later than the grant and the attestation before.
    error TurnoverTooOld(uint64 newest, uint64 actual);
    /// @notice The turnover is below the one attested before.
    error TurnoverFell(uint192 before, uint192 actual);
    /// @notice There are other than exactly the needed signatures of 65 bytes.
    error SignatureBytesMismatch(uint256 expectedBytes, uint256 actualBytes);
    /// @notice The signatures are not in strictly ascending order of their signers.
    error SignersNotAscending(address previous, address actual);
    /// @notice The signer is none of the campaign's attestors.
    /// @dev A signature over other data than these gives a random `signer`.
    error SignerNotAttestor(address signer);

    /// @notice A batch has at most 100 grants.
    error BatchTooLong(uint256 maximum, uint256 actual);
    /// @notice The sender gave less gas than a payment may take; nobody's payment may fail by that.
    error GasTooLow(uint256 needed, uint256 actual);

    /* CAMPAIGNS */

    /// @notice Creates a campaign of the sender, and funds it if `budgetMinor` isn't 0.
    /// @dev The sender must have approved this contract for the budget in token base units.
    function createCampaign(Terms calldata terms, uint64 budgetMinor)
        external
        returns (uint32 campaignId);

    /// @notice Adds to the budget of a running campaign. Only its sponsor.
    function fund(uint32 campaignId, uint64 amountMinor) external;

    /// @notice Ends a campaign: nothing is granted any more. Only its sponsor, at any time.
    /// @dev Open and earned grants are untouched. Warning: who deposited without `deposit` here and
    /// has not been granted yet gets nothing.
    function endCampaign(uint32 campaignId) external;

    /// @notice Pays what is left of an ended campaign's budget to its sponsor. Only he may send it.
    /// @dev To be repeated when grants are forfeited later.
    function withdrawBudget(uint32 campaignId) external;

    /* GRANTS */

    /// @notice Deposits the sender's tokens into his ledger account and grants him the bonus.
    /// @dev The sender must have approved this contract, not the rollup. Reverts if the bonus can't
    /// be granted, with the reason; he may then deposit plainly. See `IRollup.deposit` for what an
    /// owner must be able to do.
    /// @param evidence What the deposit gate asks for; may be empty.
    function deposit(uint32 campaignId, uint48 amountMinor, bytes calldata evidence)
        external
        returns (uint256 grantId);

    /// @notice Grants the owner of a deposit his bonus. Anyone may send it.
    /// @dev The deposit may be of any age and may have earned grants of other campaigns. As a
    /// person has one grant of a campaign, no deposit earns two of one. Whoever paid, it is the
    /// owner's; so is the bonus.
    /// @dev Warning: the first deposit that is shown counts. Somebody may deposit the minimum for
    /// another and use up his grant: who means to deposit much does it by `deposit`.
    /// @dev Warning: a released bonus is a deposit as well, and may earn a grant of another
    /// campaign. To forbid it would bring nothing: withdrawn money comes back looking no different.
    function grant(uint32 campaignId, DepositRecord calldata record)
        external
        returns (uint256 grantId);

    /// @notice Records a person's turnover, from his deposit up to `upTo`. Anyone may send it.
    /// @dev Neither number may fall; what is signed is `turnoverDigest`.
    /// @param signatures r 32, s 32, v 1 bytes each, of exactly as many attestors of the campaign
    /// as it asks for, in ascending order of their addresses.
    function attestTurnover(
        uint256 grantId,
        uint192 turnoverMinor,
        uint64 upTo,
        bytes calldata signatures
    ) external;

    /* ENDS */

    /// @notice Pays grants whose conditions hold into their persons' ledger accounts. Anyone may
    /// send it.
    /// @dev A grant that can't be paid is skipped with an event and changes nothing, but that an
    /// open one whose payment is refused is earned. Each payment may use 300,000 gas: what a token
    /// does within that hurts no other; a sender who gives less has the whole batch reverted.
    /// @dev A grant that is sent alone may use all the gas that is given, which a token may need.
    /// Warning: an estimate of gas may find what is enough for a refusal; give such a token more.
    /// @param grantIds At most 100.
    function release(uint256[] calldata grantIds) external;

    /// @notice Returns expired grants to their campaigns' budgets. Anyone may send it.
    /// @dev Warning: a grant whose conditions hold, but that nobody released in time, is forfeited.
    /// @param grantIds At most 100; one that isn't open and expired is skipped with an event.
    function forfeit(uint256[] calldata grantIds) external;

    /* VIEWS */

    /// @notice Where bonuses are paid.
    function rollup() external view returns (IRollup);
    /// @notice Whose levels count.
    function registry() external view returns (IKycRegistry);
    /// @notice The last campaign's id; the first is 1.
    function campaignCount() external view returns (uint32);
    /// @notice The last grant's id; the first is 1.
    function grantCount() external view returns (uint256);
    /// @notice A campaign; all zero if unknown.
    function campaignOf(uint32 campaignId) external view returns (Campaign memory);
    /// @notice A grant; all zero if unknown.
    function grantOf(uint256 grantId) external view returns (Grant memory);
    /// @notice A person's grant of a campaign; 0 if he has none.
    function grantIdOf(uint32 campaignId, address person) external view returns (uint256);
    /// @notice What a grant still lacks, by the same rules as `release`.
    function grantStatus(uint256 grantId) external view returns (GrantStatus memory);
    /// @notice What a deposit would earn; reverts as a grant would if the amount earns nothing.
    function bonusFor(uint32 campaignId, uint48 depositMinor) external view returns (uint48);
    /// @notice What attestors sign, by EIP-712: domain name "Causeway Bonus", version "1", type
    /// `Turnover(uint256 grantId,uint256 turnoverMinor,uint64 upTo)`.
    function turnoverDigest(uint256 grantId, uint256 turnoverMinor, uint64 upTo)
        external
        view
        returns (bytes32);
}
