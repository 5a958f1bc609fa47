import { describe, expect, it } from "vitest";
import { claimValues, grantOf, grantSchema, roleMappingsSchema } from "./role-mapping.ts";

const mappings = roleMappingsSchema.parse(
  "/staff/admins=admin; guards=viewer:gate,yard-*;cn=ops,dc=x=operator:yard-*; night=viewer:hall",
);

describe("roles of what a login provider says", () => {
  it("takes the highest role, with the cameras of that role only", () => {
    expect(grantOf(["guards"], mappings)).toEqual({ role: "viewer", cameras: ["gate", "yard-*"] });
    expect(grantOf(["night", "guards"], mappings)).toEqual({
      role: "viewer",
      cameras: ["gate", "yard-*", "hall"],
    });
    expect(grantOf(["guards", "cn=ops,dc=x"], mappings)).toEqual({ role: "operator", cameras: ["yard-*"] });
    expect(grantOf(["/staff/admins", "guards"], mappings)).toEqual({ role: "admin", cameras: ["*"] });
    expect(grantOf(["others", ""], mappings)).toBeUndefined();
    expect(grantOf([], [])).toBeUndefined();
  });

  it("takes labels among the cameras", () => {
    const labelled = roleMappingsSchema.parse(
      "cn=north,dc=x=viewer:gate,site=north; ops=operator:site=south",
    );
    expect(grantOf(["cn=north,dc=x"], labelled)).toEqual({ role: "viewer", cameras: ["gate", "site=north"] });
    expect(grantOf(["ops"], labelled)).toEqual({ role: "operator", cameras: ["site=south"] });
  });

  it("finds the claim by its name, or by its path", () => {
    const claims = { groups: ["a", 1, null], "https://x/roles": "b", realm_access: { roles: ["c"] } };
    expect(claimValues(claims, "groups")).toEqual(["a"]);
    expect(claimValues(claims, "https://x/roles")).toEqual(["b"]);
    expect(claimValues(claims, "realm_access.roles")).toEqual(["c"]);
    expect(claimValues(claims, "realm_access.none.deeper")).toEqual([]);
  });

  it("says what is wrong with a setting", () => {
    for (const wrong of [
      "admins",
      "=admin",
      "a=root",
      "a=viewer:Gate",
      "a=viewer:",
      "a=viewer:x:y",
      "a=admin:gate",
    ])
      expect(roleMappingsSchema.safeParse(wrong).success, wrong).toBe(false);
    expect(roleMappingsSchema.parse(undefined)).toEqual([]);
    expect(grantSchema.parse(undefined)).toBeUndefined();
    expect(grantSchema.safeParse("nobody").error?.issues[0]?.message).toContain("viewer, operator or admin");
  });
});
