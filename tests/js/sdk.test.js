// Clerk's own JavaScript SDK against `deskclerk sandbox`: every operation of the 48 that it has.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createClerkClient } from "@clerk/backend";
import { startSandbox } from "./sandbox.js";

let sandbox;
let apiUrl;
let clerk;

before(async () => {
  sandbox = await startSandbox();
  apiUrl = sandbox.apiUrl;
  clerk = createClerkClient({ secretKey: "sk_test_sandbox", apiUrl });
});

after(() => sandbox.stop());

const refused = (status, code) => (error) => {
  assert.equal(error.status, status);
  assert.equal(error.errors[0].code, code);
  assert.match(error.clerkTraceId, /^[0-9a-f]{32}$/);
  return true;
};

test("users are created, read, changed, banned, locked and deleted", async () => {
  const user = await clerk.users.createUser({
    emailAddress: ["mary@example.com"],
    phoneNumber: ["+15555550100"],
    username: "mary_s",
    firstName: "Mary",
    lastName: "Somerville",
    password: "a long enough one",
    publicMetadata: { plan: "pro", seats: { used: 1 } },
  });
  assert.equal(user.primaryEmailAddress.emailAddress, "mary@example.com");
  assert.equal(user.primaryPhoneNumber.phoneNumber, "+15555550100");
  assert.equal(user.passwordEnabled, true);

  const changed = await clerk.users.updateUser(user.id, { lastName: "S." });
  assert.equal(changed.fullName, "Mary S.");
  const merged = await clerk.users.updateUserMetadata(user.id, {
    publicMetadata: { plan: null, seats: { limit: 5 } },
  });
  assert.deepEqual(merged.publicMetadata, { seats: { used: 1, limit: 5 } });

  assert.equal((await clerk.users.banUser(user.id)).banned, true);
  assert.equal((await clerk.users.unbanUser(user.id)).banned, false);
  assert.equal((await clerk.users.lockUser(user.id)).locked, true);
  assert.equal((await clerk.users.unlockUser(user.id)).locked, false);
  assert.equal((await clerk.users.getUser(user.id)).id, user.id);

  const { data, totalCount } = await clerk.users.getUserList({ emailAddress: ["mary@example.com"] });
  assert.deepEqual([data[0].id, data.length, totalCount], [user.id, 1, 1]);

  await assert.rejects(
    clerk.users.createUser({ emailAddress: ["mary@example.com"] }),
    refused(422, "form_identifier_exists"),
  );
  await clerk.users.deleteUser(user.id);
  await assert.rejects(clerk.users.getUser(user.id), refused(404, "resource_not_found"));
});

test("lists are paged, ordered and searched", async () => {
  const first = await clerk.users.getUserList({ limit: 5, orderBy: "+created_at" });
  const second = await clerk.users.getUserList({ limit: 5, offset: 5, orderBy: "+created_at" });
  assert.equal(first.totalCount, 100);
  assert.equal(new Set([...first.data, ...second.data].map((user) => user.id)).size, 10);
  assert.ok(first.data[4].createdAt <= second.data[0].createdAt);
  const found = await clerk.users.getUserList({ query: first.data[0].lastName });
  assert.ok(found.data.some((user) => user.id === first.data[0].id));
});

test("organizations, members and their invitations", async () => {
  const { data: people } = await clerk.users.getUserList({ limit: 2 });
  const organization = await clerk.organizations.createOrganization({
    name: "Analytical Society",
    createdBy: people[0].id,
    publicMetadata: { tier: 1 },
  });
  const organizationId = organization.id;
  assert.equal(organization.slug, "analytical-society");
  const { data: members } = await clerk.organizations.getOrganizationMembershipList({ organizationId });
  assert.equal(members[0].role, "org:admin");

  const member = await clerk.organizations.createOrganizationMembership({
    organizationId,
    userId: people[1].id,
    role: "org:member",
  });
  assert.equal(member.publicUserData.userId, people[1].id);
  const raised = await clerk.organizations.updateOrganizationMembership({
    organizationId,
    userId: people[1].id,
    role: "org:admin",
  });
  assert.equal(raised.role, "org:admin");
  await clerk.organizations.deleteOrganizationMembership({ organizationId, userId: people[1].id });
  await assert.rejects(
    clerk.organizations.deleteOrganizationMembership({ organizationId, userId: people[0].id }),
    refused(400, "organization_minimum_permissions_needed"),
  );

  const invitation = await clerk.organizations.createOrganizationInvitation({
    organizationId,
    emailAddress: "guest@example.net",
    inviterUserId: people[0].id,
    role: "org:member",
  });
  assert.equal(invitation.status, "pending");
  const listed = await clerk.organizations.getOrganizationInvitationList({ organizationId, status: ["pending"] });
  assert.equal(listed.totalCount, 1);
  const revoked = await clerk.organizations.revokeOrganizationInvitation({
    organizationId,
    invitationId: invitation.id,
    requestingUserId: people[0].id,
  });
  assert.equal(revoked.status, "revoked");

  const renamed = await clerk.organizations.updateOrganization(organizationId, { name: "Society" });
  assert.equal(renamed.name, "Society");
  const merged = await clerk.organizations.updateOrganizationMetadata(organizationId, {
    publicMetadata: { tier: null, city: "London" },
  });
  assert.deepEqual(merged.publicMetadata, { city: "London" });
  assert.equal((await clerk.organizations.getOrganization({ slug: "analytical-society" })).id, organizationId);
  assert.ok((await clerk.organizations.getOrganizationList({ query: "Soc" })).totalCount >= 1);
  await clerk.organizations.deleteOrganization(organizationId);
  await assert.rejects(clerk.organizations.getOrganization({ organizationId }), refused(404, "resource_not_found"));
});

test("sessions are listed, read and revoked", async () => {
  const { data } = await clerk.sessions.getSessionList({ status: "active" });
  assert.ok(data.length > 0);
  const session = await clerk.sessions.getSession(data[0].id);
  assert.equal(session.status, "active");
  assert.equal((await clerk.sessions.revokeSession(session.id)).status, "revoked");
});

test("invitations", async () => {
  const invitation = await clerk.invitations.createInvitation({
    emailAddress: "new@example.net",
    publicMetadata: { from: "js" },
  });
  assert.equal(invitation.status, "pending");
  await assert.rejects(
    clerk.invitations.createInvitation({ emailAddress: "new@example.net" }),
    refused(400, "duplicate_record"),
  );
  const { data } = await clerk.invitations.getInvitationList({ status: "pending" });
  assert.ok(data.some((item) => item.id === invitation.id));
  assert.equal((await clerk.invitations.revokeInvitation(invitation.id)).status, "revoked");
});

test("allow-list and block-list", async () => {
  const allowed = await clerk.allowlistIdentifiers.createAllowlistIdentifier({
    identifier: "*@friends.example",
    notify: false,
  });
  const { data } = await clerk.allowlistIdentifiers.getAllowlistIdentifierList();
  assert.ok(data.some((item) => item.id === allowed.id));
  assert.equal((await clerk.allowlistIdentifiers.deleteAllowlistIdentifier(allowed.id)).deleted, true);

  const blocked = await clerk.blocklistIdentifiers.createBlocklistIdentifier({ identifier: "spam@example.net" });
  const list = await clerk.blocklistIdentifiers.getBlocklistIdentifierList();
  assert.ok(list.data.some((item) => item.id === blocked.id));
  assert.equal((await clerk.blocklistIdentifiers.deleteBlocklistIdentifier(blocked.id)).deleted, true);
});

test("JWT templates", async () => {
  const template = await clerk.jwtTemplates.create({ name: "js-api", claims: { role: "{{user.public_metadata.role}}" } });
  assert.deepEqual([template.lifetime, template.allowedClockSkew], [60, 5]);
  const updated = await clerk.jwtTemplates.update({
    templateId: template.id,
    name: "js-api",
    claims: { aud: "api" },
    lifetime: 120,
  });
  assert.deepEqual([updated.lifetime, updated.claims], [120, { aud: "api" }]);
  assert.equal((await clerk.jwtTemplates.get(template.id)).name, "js-api");
  assert.ok((await clerk.jwtTemplates.list()).totalCount >= 3);
  assert.equal((await clerk.jwtTemplates.delete(template.id)).deleted, true);
});

test("domains", async () => {
  const domain = await clerk.domains.add({ name: "js.example.com", is_satellite: true });
  assert.equal(domain.isSatellite, true);
  const { data } = await clerk.domains.list();
  assert.ok(data.some((item) => item.id === domain.id));
  const primary = data.find((item) => !item.isSatellite);
  await assert.rejects(clerk.domains.delete(primary.id), refused(403, "operation_not_allowed_on_primary_domain"));
  assert.equal((await clerk.domains.delete(domain.id)).deleted, true);
});

test("OAuth applications show their secret once", async () => {
  const created = await clerk.oauthApplications.create({
    name: "Desk",
    redirectUris: ["https://desk.example/callback"],
    scopes: "profile email",
  });
  assert.ok(created.clientSecret);
  const read = await clerk.oauthApplications.get(created.id);
  assert.equal(read.clientSecret ?? null, null);
  const updated = await clerk.oauthApplications.update({ oauthApplicationId: created.id, name: "Desk 2" });
  assert.equal(updated.name, "Desk 2");
  assert.ok((await clerk.oauthApplications.list({ nameQuery: "desk" })).totalCount >= 1);
  assert.equal((await clerk.oauthApplications.delete(created.id)).deleted, true);
});

test("a wrong key is refused before anything is looked for", async () => {
  const stranger = createClerkClient({ secretKey: "sk_test_wrong", apiUrl });
  await assert.rejects(stranger.users.getUser("user_nobody"), refused(401, "clerk_key_invalid"));
});
