// Clerk's own JavaScript SDK against `deskclerk sandbox`: users, e-mail addresses and phone numbers.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createClerkClient } from "@clerk/backend";

const home = mkdtempSync(join(tmpdir(), "deskclerk-js-"));
let server;
let apiUrl;
let clerk;

const freePort = () =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });

before(async () => {
  const port = await freePort();
  const command = process.env.DESKCLERK ?? "deskclerk";
  server = spawn(command, ["sandbox", "--port", String(port), "--db", join(home, "sandbox.db")], {
    env: { ...process.env, DESKCLERK_HOME: home },
    stdio: ["ignore", "ignore", "inherit"],
  });
  apiUrl = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 150; tries += 1) {
    const answered = await fetch(`${apiUrl}/v1/users`).catch(() => null);
    if (answered) break;
    await pause(100);
  }
  clerk = createClerkClient({ secretKey: "sk_test_sandbox", apiUrl });
});

after(() => {
  server.kill();
  rmSync(home, { recursive: true, force: true });
});

const refused = (status, code) => (error) => {
  assert.equal(error.status, status);
  assert.equal(error.errors[0].code, code);
  assert.match(error.clerkTraceId, /^[0-9a-f]{32}$/);
  return true;
};

const pixel = Buffer.from(
  "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000000" +
    "020001e221bc330000000049454e44ae426082",
  "hex",
);

test("an e-mail address from its making to its end", async () => {
  const user = await clerk.users.createUser({ username: "js_mail", emailAddress: ["one@js.example"] });
  const made = await clerk.emailAddresses.createEmailAddress({ userId: user.id, emailAddress: "two@js.example" });
  assert.equal(made.verification, null);
  await assert.rejects(
    clerk.emailAddresses.updateEmailAddress(made.id, { primary: true }),
    refused(422, "form_verification_needed"),
  );
  const verified = await clerk.emailAddresses.updateEmailAddress(made.id, { verified: true, primary: true });
  assert.equal(verified.verification.status, "verified");
  assert.equal((await clerk.emailAddresses.getEmailAddress(made.id)).emailAddress, "two@js.example");
  assert.equal((await clerk.users.getUser(user.id)).primaryEmailAddressId, made.id);
  assert.equal((await clerk.emailAddresses.deleteEmailAddress(made.id)).deleted, true);
  assert.equal((await clerk.users.getUser(user.id)).primaryEmailAddressId, user.primaryEmailAddressId);
  const only = await clerk.users.replaceUserEmailAddress(user.id, { emailAddress: "only@js.example" });
  assert.deepEqual(
    (await clerk.users.getUser(user.id)).emailAddresses.map(({ id }) => id),
    [only.id],
  );
});

test("a phone number from its making to its end", async () => {
  const user = await clerk.users.createUser({ username: "js_phone" });
  const made = await clerk.phoneNumbers.createPhoneNumber({
    userId: user.id,
    phoneNumber: "+15555550140",
    verified: true,
  });
  const factor = await clerk.phoneNumbers.updatePhoneNumber(made.id, { reservedForSecondFactor: true });
  assert.deepEqual([factor.reservedForSecondFactor, factor.defaultSecondFactor], [true, true]);
  assert.equal((await clerk.phoneNumbers.getPhoneNumber(made.id)).phoneNumber, "+15555550140");
  const only = await clerk.users.replaceUserPhoneNumber(user.id, { phoneNumber: "+15555550141" });
  assert.equal((await clerk.users.getUser(user.id)).twoFactorEnabled, false);
  assert.equal((await clerk.phoneNumbers.deletePhoneNumber(only.id)).deleted, true);
});

test("passwords and second factors are tried and taken away", async () => {
  const { id: userId } = await clerk.users.createUser({
    username: "js_secrets",
    password: "a long enough one",
    totpSecret: "JBSWY3DPEHPK3PXP",
    backupCodes: ["spare"],
  });
  assert.equal((await clerk.users.verifyPassword({ userId, password: "a long enough one" })).verified, true);
  await assert.rejects(
    clerk.users.verifyPassword({ userId, password: "wrong" }),
    refused(422, "incorrect_password"),
  );
  assert.equal((await clerk.users.verifyTOTP({ userId, code: "spare" })).code_type, "backup_code");
  await clerk.users.deleteUserBackupCodes(userId);
  await clerk.users.deleteUserTOTP(userId);
  await clerk.users.disableUserMFA(userId);
  await clerk.users.setPasswordCompromised(userId, { revokeAllSessions: true });
  await clerk.users.unsetPasswordCompromised(userId);
  assert.equal((await clerk.users.removePassword(userId)).passwordEnabled, false);
  assert.equal((await clerk.users.getUser(userId)).twoFactorEnabled, false);
});

test("an image is served at its address", async () => {
  const { id } = await clerk.users.createUser({ username: "js_image" });
  const file = new Blob([pixel], { type: "image/png" });
  const shown = await clerk.users.updateUserProfileImage(id, { file });
  assert.equal(shown.hasImage, true);
  const answer = await fetch(shown.imageUrl);
  assert.equal(answer.headers.get("content-type"), "image/png");
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), pixel);
  assert.equal((await clerk.users.deleteUserProfileImage(id)).hasImage, false);
  assert.equal((await fetch(shown.imageUrl)).status, 404);
});

test("counts, metadata, organizations and accounts of users", async () => {
  const { data: people } = await clerk.users.getUserList({ limit: 500 });
  assert.ok((await clerk.users.getCount()) >= 100);
  const linked = people.find(({ externalAccounts }) => externalAccounts.length > 0);
  const replaced = await clerk.users.replaceUserMetadata(linked.id, { publicMetadata: { a: 1 } });
  assert.deepEqual(replaced.publicMetadata, { a: 1 });
  const organization = await clerk.organizations.createOrganization({ name: "JS", createdBy: linked.id });
  const { data } = await clerk.users.getOrganizationMembershipList({ userId: linked.id });
  assert.ok(data.some((item) => item.organization.id === organization.id));
  assert.equal((await clerk.users.getOrganizationInvitationList({ userId: linked.id })).totalCount, 0);
  const externalAccountId = linked.externalAccounts[0].id;
  const gone = await clerk.users.deleteUserExternalAccount({ userId: linked.id, externalAccountId });
  assert.equal(gone.deleted, true);
  const holder = people.find(({ web3Wallets }) => web3Wallets.length > 0);
  const web3WalletIdentificationId = holder.web3Wallets[0].id;
  const wallet = await clerk.users.deleteUserWeb3Wallet({ userId: holder.id, web3WalletIdentificationId });
  assert.equal(wallet.deleted, true);
});
