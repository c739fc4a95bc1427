// Opens a code that a custom sender was given, with AWS's Encryption SDK:
// node encryption-sdk.mjs KEY NAME POLICY < code
// KEY is a raw AES key in Base64, or "kms" where NAME is a key in AWS KMS.
import { text } from "node:stream/consumers";
import { buildClient, CommitmentPolicy, KmsKeyringNode, RawAesKeyringNode, RawAesWrappingSuiteIdentifier } from "@aws-crypto/client-node";

const [key, keyName, policy] = process.argv.slice(2);
const { decrypt } = buildClient(CommitmentPolicy[policy]);
const keyring =
  key === "kms"
    ? new KmsKeyringNode({ keyIds: [keyName] })
    : new RawAesKeyringNode({
        keyName,
        keyNamespace: "cognate",
        unencryptedMasterKey: new Uint8Array(Buffer.from(key, "base64")),
        wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
      });
try {
  const { plaintext, messageHeader } = await decrypt(keyring, Buffer.from(await text(process.stdin), "base64"));
  console.log(messageHeader.encryptionContext["userpool-id"], plaintext.toString(), messageHeader.suiteId.toString(16).padStart(4, "0"));
} catch (error) {
  if (!String(error.message).includes("CommitmentPolicy")) throw error;
  console.log("refused");
}
