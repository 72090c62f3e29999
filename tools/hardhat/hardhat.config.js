// A chain for the long tests: a block a second, as anvil has it, so that confirmations arrive.
module.exports = {
  solidity: "0.8.37", // never used: Causeway compiles by itself
  networks: {
    hardhat: {
      chainId: 31337,
      // From prague on, Hardhat 2 has a contract of EIP-2935 that only reverts, and then no block
      // hash can be shown. Before, BLOCKHASH serves.
      hardfork: "cancun",
      mining: { auto: true, interval: 1000 },
    },
  },
};
