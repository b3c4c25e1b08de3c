// Clerk's own JavaScript SDK with machines, their tokens and API keys of `deskclerk sandbox`.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createClerkClient } from "@clerk/backend";
import { startSandbox } from "./sandbox.js";

const secretKey = "sk_test_sandbox";
const publishableKey = `pk_test_${Buffer.from("sandbox.clerk.accounts.dev$").toString("base64")}`;
let sandbox;
let clerk;
let files;
let mail;

const withToken = (token) =>
  new Request("http://localhost:3000", { headers: { Authorization: `Bearer ${token}` } });

before(async () => {
  sandbox = await startSandbox();
  clerk = createClerkClient({ secretKey, apiUrl: sandbox.apiUrl, publishableKey });
  files = await clerk.machines.create({ name: "Files" });
  mail = await clerk.machines.create({ name: "Mail", scopedMachines: [files.id], defaultTokenTtl: 600 });
});

after(() => sandbox.stop());

test("machines are kept and found", async () => {
  const found = await clerk.machines.list({ query: "mai" });
  assert.deepEqual([found.totalCount, found.data[0].id], [1, mail.id]);
  assert.deepEqual(found.data[0].scopedMachines.map((machine) => machine.id), [files.id]);
  const other = await clerk.machines.create({ name: "Other" });
  await clerk.machines.createScope(other.id, files.id);
  await clerk.machines.deleteScope(other.id, files.id);
  assert.equal((await clerk.machines.update({ machineId: other.id, name: "Renamed" })).name, "Renamed");
  const { secret } = await clerk.machines.rotateSecretKey({ machineId: other.id, previousTokenTtl: 0 });
  assert.equal((await clerk.machines.getSecretKey(other.id)).secret, secret);
  await clerk.machines.delete(other.id);
});

test("a token is made by one machine and verified by another", async () => {
  const made = await clerk.m2m.createToken({ machineSecretKey: mail.secretKey, claims: { job: 1 } });
  const verified = await clerk.m2m.verify({ token: made.token, machineSecretKey: files.secretKey });
  assert.deepEqual([verified.subject, verified.claims, verified.scopes], [mail.id, { job: 1 }, [files.id]]);
  await assert.rejects(clerk.m2m.verify({ token: made.token, machineSecretKey: mail.secretKey }), { status: 404 });
  const again = { machineSecretKey: mail.secretKey, claims: { job: 1 }, minRemainingTtlSeconds: 60 };
  assert.equal((await clerk.m2m.createToken(again)).token, made.token);
  assert.equal((await clerk.m2m.list({ subject: mail.id })).totalCount, 1);
  await clerk.m2m.revokeToken({ m2mTokenId: made.id });
  await assert.rejects(clerk.m2m.verify({ token: made.token }), { status: 404 });
  await assert.rejects(clerk.m2m.createToken(), { status: 401 });
});

test("a JWT of a machine's is verified without asking, but for the published keys", async () => {
  const asked = { machineSecretKey: mail.secretKey, tokenFormat: "jwt", claims: { job: 1 } };
  const made = await clerk.m2m.createToken(asked);
  const verified = await clerk.m2m.verify({ token: made.token });
  assert.deepEqual([verified.id, verified.subject, verified.claims], [made.id, mail.id, { job: 1 }]);
  assert.equal(verified.expiration, made.expiration);
  const state = await clerk.authenticateRequest(withToken(made.token), { acceptsToken: "m2m_token" });
  assert.equal(state.toAuth().machineId, mail.id);
});

test("a request is authenticated by an opaque token, with either key", async () => {
  const { token } = await clerk.m2m.createToken({ machineSecretKey: mail.secretKey });
  for (const options of [{}, { machineSecretKey: files.secretKey }]) {
    const state = await clerk.authenticateRequest(withToken(token), { acceptsToken: "m2m_token", ...options });
    assert.equal(state.toAuth().machineId, mail.id);
  }
});

test("an API key is good until it is revoked", async () => {
  const user = await clerk.users.createUser({ emailAddress: ["key@example.com"], password: "a long enough one" });
  const made = await clerk.apiKeys.create({ name: "Reports", subject: user.id, scopes: ["read"] });
  const accepted = { acceptsToken: "api_key" };
  const state = await clerk.authenticateRequest(withToken(made.secret), accepted);
  assert.deepEqual([state.toAuth().userId, state.toAuth().scopes], [user.id, ["read"]]);
  assert.equal((await clerk.apiKeys.getSecret(made.id)).secret, made.secret);
  assert.equal((await clerk.apiKeys.list({ subject: user.id })).totalCount, 1);
  assert.deepEqual((await clerk.apiKeys.update({ apiKeyId: made.id, subject: user.id, scopes: [] })).scopes, []);
  await assert.rejects(clerk.apiKeys.create({ name: "Reports", subject: user.id }), { status: 409 });
  await clerk.apiKeys.revoke({ apiKeyId: made.id });
  assert.equal((await clerk.authenticateRequest(withToken(made.secret), accepted)).isAuthenticated, false);
  await clerk.apiKeys.delete(made.id);
  await assert.rejects(clerk.apiKeys.get(made.id), { status: 404 });
});
