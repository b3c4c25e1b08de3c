// Clerk's own JavaScript SDK against `deskclerk sandbox`: roles, domains, settings and lists.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createClerkClient } from "@clerk/backend";
import { startSandbox } from "./sandbox.js";

const PNG = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0]);
let sandbox;
let clerk;

before(async () => {
  sandbox = await startSandbox();
  clerk = createClerkClient({ secretKey: "sk_test_sandbox", apiUrl: sandbox.apiUrl });
});

after(() => sandbox.stop());

const refused = (status, code) => (error) => {
  assert.equal(error.status, status);
  assert.equal(error.errors[0].code, code);
  return true;
};

const organization = async (name) => {
  const owner = await clerk.users.createUser({
    emailAddress: [`${name}@example.com`],
    password: "a long enough one",
  });
  const made = await clerk.organizations.createOrganization({
    name,
    createdBy: owner.id,
    maxAllowedMemberships: 0,
  });
  return { owner, organizationId: made.id };
};

test("roles and permissions are made, combined, read and deleted", async () => {
  const permissions = clerk.organizationPermissions;
  const permission = await permissions.createOrganizationPermission({ name: "Send", key: "org:invoices:send" });
  assert.equal((await permissions.getOrganizationPermission(permission.id)).key, "org:invoices:send");
  await permissions.updateOrganizationPermission({ permissionId: permission.id, description: "All" });
  const listed = await permissions.getOrganizationPermissionList({ query: "invoices" });
  assert.deepEqual([listed.totalCount, listed.data[0].description], [1, "All"]);
  const roles = clerk.organizationRoles;
  const role = await roles.createOrganizationRole({ name: "Clerk", key: "org:clerk" });
  const pair = { organizationRoleId: role.id, permissionId: permission.id };
  assert.equal((await roles.assignPermissionToOrganizationRole(pair)).permissions[0].id, permission.id);
  assert.equal((await roles.getOrganizationRole(role.id)).permissions.length, 1);
  assert.equal((await roles.removePermissionFromOrganizationRole(pair)).permissions.length, 0);
  await roles.updateOrganizationRole({ organizationRoleId: role.id, name: "Head" });
  assert.equal((await roles.getOrganizationRoleList({ query: "org:clerk" })).data[0].name, "Head");
  assert.equal((await roles.deleteOrganizationRole(role.id)).deleted, true);
  assert.equal((await permissions.deleteOrganizationPermission(permission.id)).deleted, true);
  await assert.rejects(roles.getOrganizationRole(role.id), refused(404, "resource_not_found"));
});

test("an organization's domains, logo, members' metadata and many invitations", async () => {
  const { owner, organizationId } = await organization("extras");
  const organizations = clerk.organizations;
  const domain = await organizations.createOrganizationDomain({
    organizationId,
    name: "extras.example",
    enrollmentMode: "automatic_invitation",
  });
  const place = { organizationId, domainId: domain.id };
  await organizations.updateOrganizationDomain({ ...place, enrollmentMode: "manual_invitation" });
  const domains = await organizations.getOrganizationDomainList({ organizationId });
  // The SDK hands this object over as it came.
  assert.deepEqual([domains.totalCount, domains.data[0].enrollment_mode], [1, "manual_invitation"]);
  await organizations.deleteOrganizationDomain(place);
  const file = new File([PNG], "logo.png", { type: "image/png" });
  const shown = await organizations.updateOrganizationLogo(organizationId, { file, uploaderUserId: owner.id });
  assert.equal(shown.hasImage, true);
  assert.equal((await organizations.deleteOrganizationLogo(organizationId)).hasImage, false);
  const member = await organizations.updateOrganizationMembershipMetadata({
    organizationId,
    userId: owner.id,
    publicMetadata: { desk: 4 },
  });
  assert.deepEqual(member.publicMetadata, { desk: 4 });
  assert.ok((await organizations.getInstanceOrganizationMembershipList({ limit: 5 })).totalCount >= 1);
  const guests = [1, 2].map((n) => ({ emailAddress: `guest${n}@extras.example`, role: "org:member" }));
  const sent = await organizations.createOrganizationInvitationBulk(organizationId, guests);
  assert.equal(sent.totalCount, 2);
  const invitationId = sent.data[0].id;
  assert.equal(
    (await organizations.getOrganizationInvitation({ organizationId, invitationId })).id,
    invitationId,
  );
});

test("redirect URLs, the waitlist and many invitations to the application", async () => {
  const url = await clerk.redirectUrls.createRedirectUrl({ url: "app://js" });
  assert.equal((await clerk.redirectUrls.getRedirectUrl(url.id)).url, "app://js");
  assert.equal((await clerk.redirectUrls.getRedirectUrlList()).totalCount, 1);
  await clerk.redirectUrls.deleteRedirectUrl(url.id);
  const entry = await clerk.waitlistEntries.create({ emailAddress: "one@wait.example" });
  const [two, three] = await clerk.waitlistEntries.createBulk([
    { emailAddress: "two@wait.example" },
    { emailAddress: "three@wait.example" },
  ]);
  assert.equal((await clerk.waitlistEntries.invite(entry.id)).invitation.status, "pending");
  assert.equal((await clerk.waitlistEntries.reject(two.id)).status, "rejected");
  assert.equal((await clerk.waitlistEntries.delete(three.id)).deleted, true);
  assert.equal((await clerk.waitlistEntries.list({ status: "rejected" })).totalCount, 1);
  const sent = await clerk.invitations.createInvitationBulk([{ emailAddress: "bulk@wait.example" }]);
  assert.equal(sent[0].emailAddress, "bulk@wait.example");
});

test("the instance's settings are read, changed and kept", async () => {
  assert.equal((await clerk.instance.get()).environmentType, "development");
  await clerk.instance.update({ supportEmail: "help@example.com", allowedOrigins: ["app://desk"] });
  assert.deepEqual((await clerk.instance.get()).allowedOrigins, ["app://desk"]);
  assert.equal((await clerk.instance.updateRestrictions({ blocklist: true })).blocklist, true);
  await clerk.blocklistIdentifiers.createBlocklistIdentifier({ identifier: "*@blocked.example" });
  await assert.rejects(
    clerk.users.createUser({ emailAddress: ["eve@blocked.example"] }),
    refused(403, "not_allowed_access"),
  );
  await clerk.instance.updateOrganizationSettings({ maxAllowedMemberships: 7 });
  assert.equal((await clerk.instance.getOrganizationSettings()).maxAllowedMemberships, 7);
});

test("a satellite domain is renamed", async () => {
  const domain = await clerk.domains.add({ name: "old.example.com", is_satellite: true });
  assert.equal((await clerk.domains.update({ domainId: domain.id, name: "new.example.com" })).name, "new.example.com");
});
