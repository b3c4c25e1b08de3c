// Clerk's own JavaScript SDK verifies what `deskclerk sandbox` signs.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createClerkClient, verifyToken } from "@clerk/backend";
import { decodeJwt } from "@clerk/backend/jwt";
import { startSandbox } from "./sandbox.js";

const secretKey = "sk_test_sandbox";
const origin = "http://localhost:3000";
const publishableKey = `pk_test_${Buffer.from("sandbox.clerk.accounts.dev$").toString("base64")}`;
let sandbox;
let apiUrl;
let clerk;
let session;
let team;
let token;

const request = (path, body, headers = {}) =>
  fetch(`${apiUrl}/v1${path}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${secretKey}`, "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  }).then(async (answer) => (answer.ok ? answer.json() : Promise.reject(new Error(await answer.text()))));

before(async () => {
  sandbox = await startSandbox();
  apiUrl = sandbox.apiUrl;
  clerk = createClerkClient({ secretKey, apiUrl, publishableKey });
  const user = await clerk.users.createUser({
    emailAddress: ["token@example.com"],
    password: "a long enough one",
    publicMetadata: { plan: "pro" },
  });
  team = await clerk.organizations.createOrganization({ name: "Tokens", createdBy: user.id });
  session = await request("/sessions", { user_id: user.id, active_organization_id: team.id }, {
    "Clerk-API-Version": "2026-05-12",
  });
  token = (await clerk.sessions.getToken(session.id)).jwt;
});

after(() => sandbox.stop());

const withToken = (jwt) => new Request(origin, { headers: { Authorization: `Bearer ${jwt}` } });

// promise: sandbox-signatures
test("a session token is verified with the published keys", async () => {
  const claims = await verifyToken(token, { secretKey, apiUrl, authorizedParties: [origin] });
  assert.deepEqual([claims.sid, claims.sub, claims.v, claims.sts], [session.id, session.user_id, 2, "active"]);
  assert.deepEqual(decodeJwt(token).header.cat, "cl_B7d4PD111AAA");
  await assert.rejects(verifyToken(token, { secretKey, apiUrl, authorizedParties: ["https://elsewhere.example"] }));
});

test("a request is authenticated by header, with its organization", async () => {
  const state = await clerk.authenticateRequest(withToken(token), { authorizedParties: [origin] });
  assert.equal(state.isAuthenticated, true, state.message);
  const auth = state.toAuth();
  assert.deepEqual(
    [auth.userId, auth.sessionId, auth.orgId, auth.orgSlug, auth.orgRole, auth.orgPermissions],
    [session.user_id, session.id, team.id, "tokens", "org:admin", []],
  );
  assert.deepEqual([auth.sessionStatus, auth.factorVerificationAge], ["active", [0, -1]]);
  assert.equal(auth.has({ role: "org:admin" }), true);
  assert.equal(auth.has({ role: "org:member" }), false);
});

test("version 1 claims are understood too", async () => {
  const old = await request(`/sessions/${session.id}/tokens`, {}, { "Clerk-API-Version": "2021-02-05" });
  const state = await clerk.authenticateRequest(withToken(old.jwt));
  const auth = state.toAuth();
  assert.equal(auth.sessionClaims.v, undefined);
  assert.deepEqual([auth.orgId, auth.orgSlug, auth.orgRole], [team.id, "tokens", "org:admin"]);
});

test("a request is authenticated by its cookies", async () => {
  const cookie = `__session=${token}; __client_uat=${Math.floor(Date.now() / 1000) - 5}; __clerk_db_jwt=dvb_1`;
  const state = await clerk.authenticateRequest(new Request(`${origin}/`, { headers: { cookie } }));
  assert.equal(state.isAuthenticated, true, state.message);
  assert.equal(state.toAuth().sessionId, session.id);
});

test("a token by template is signed by the same keys and is no session token", async () => {
  await clerk.jwtTemplates.create({
    name: "js",
    claims: { aud: "api", plan: "{{user.public_metadata.plan}}", team: "{{org.slug || 'none'}}" },
    lifetime: 600,
  });
  const { jwt } = await clerk.sessions.getToken(session.id, "js");
  const claims = await verifyToken(jwt, { secretKey, apiUrl, audience: "api" });
  assert.deepEqual([claims.plan, claims.team, claims.exp - claims.iat], ["pro", "tokens", 600]);
  assert.equal(claims.sid, undefined);
  const state = await clerk.authenticateRequest(withToken(jwt));
  assert.deepEqual([state.isAuthenticated, state.reason], [false, "token-type-mismatch"]);
});

test("a token signed by somebody else is refused", async () => {
  const [header, payload, signature] = token.split(".");
  const forged = `${header}.${payload}.${signature.slice(0, -8)}AAAAAAAA`;
  await assert.rejects(verifyToken(forged, { secretKey, apiUrl }));
  assert.equal((await clerk.authenticateRequest(withToken(forged))).isAuthenticated, false);
});

test("a lifetime of one's own, and a session that is over", async () => {
  const { jwt } = await clerk.sessions.getToken(session.id, undefined, 3600);
  const { payload } = decodeJwt(jwt);
  assert.equal(payload.exp - payload.iat, 3600);
  const other = await clerk.sessions.createSession({ userId: session.user_id });
  assert.equal((await clerk.sessions.revokeSession(other.id)).status, "revoked");
  await assert.rejects(clerk.sessions.getToken(other.id), (error) => error.status === 404);
});

test("a session is refreshed with its client's id", async () => {
  const answer = await clerk.sessions.refreshSession(session.id, {
    format: "cookie",
    suffixed_cookies: false,
    expired_token: token,
    refresh_token: session.client_id,
    request_origin: origin,
    request_headers: { accept: ["*/*"] },
  });
  const fresh = answer.cookies[0].split(";")[0].replace("__session=", "");
  assert.equal((await verifyToken(fresh, { secretKey, apiUrl })).sid, session.id);
});

test("clients, sign-in tokens, actor tokens and testing tokens", async () => {
  const client = await clerk.clients.verifyClient(token);
  assert.deepEqual([client.id, client.lastActiveSessionId], [session.client_id, session.id]);
  assert.equal((await clerk.clients.getClient(client.id)).id, client.id);
  assert.ok((await clerk.clients.getClientList({ limit: 2 })).totalCount > 2);
  const ticket = await clerk.signInTokens.createSignInToken({ userId: session.user_id, expiresInSeconds: 60 });
  assert.ok(ticket.url.endsWith(ticket.token));
  assert.equal((await clerk.signInTokens.revokeSignInToken(ticket.id)).status, "revoked");
  const actor = await clerk.actorTokens.create({ userId: session.user_id, actor: { sub: "user_support" } });
  assert.equal((await clerk.actorTokens.revoke(actor.id)).status, "revoked");
  assert.ok((await clerk.testingTokens.createTestingToken()).token);
});

test("the keys are one RSA key", async () => {
  const { keys } = await clerk.jwks.getJwks();
  assert.equal(keys.length, 1);
  assert.deepEqual([keys[0].kty, keys[0].alg, keys[0].use, keys[0].kid.slice(0, 4)], ["RSA", "RS256", "sig", "ins_"]);
});
