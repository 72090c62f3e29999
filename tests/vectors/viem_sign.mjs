// Signs typed data as a wallet would, with a library that shares no code with ours.
// stdin: a JSON list of {secret, typedData}; stdout: a JSON list of {address, digest, signature}.
import { readFileSync } from 'node:fs'
import { hashTypedData } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

// Wallets take integers as decimal texts; viem wants BigInts.
const withIntegers = ({ types, primaryType, domain, message }) => ({
  types,
  primaryType,
  domain,
  message: Object.fromEntries(
    types[primaryType].map(({ name, type }) => [
      name,
      type.startsWith('uint') ? BigInt(message[name]) : message[name],
    ]),
  ),
})

const answers = []
for (const { secret, typedData } of JSON.parse(readFileSync(0, 'utf8'))) {
  const account = privateKeyToAccount(secret)
  const data = withIntegers(typedData)
  answers.push({
    address: account.address,
    digest: hashTypedData(data),
    signature: await account.signTypedData(data),
  })
}
process.stdout.write(JSON.stringify(answers))
