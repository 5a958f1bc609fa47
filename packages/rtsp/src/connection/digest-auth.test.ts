import { expect, test } from "vitest";
import { authorization, bestChallenge, nameChallenges, parseChallenges } from "./digest-auth.ts";

const mufasa = { username: "Mufasa", password: "Circle of Life" };
const authorize = (
  headers: readonly string[],
  credentials: { username: string; password: string },
  request: { method: string; uri: string },
  nonce?: string,
) => {
  const challenge = bestChallenge(headers.flatMap(parseChallenges));
  return (
    challenge &&
    authorization(challenge, credentials, request, nonce === undefined ? undefined : { nonce, count: 1 })
  );
};
const responseOf = (header: string | undefined) => /response="([0-9a-f]+)"/.exec(header ?? "")?.[1];

test("answers MD5 as the example of RFC 7616, section 3.9.1", () => {
  const challenge =
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';
  const request = { method: "GET", uri: "/dir/index.html" };
  const header = authorize([challenge], mufasa, request, "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
  expect(responseOf(header)).toBe("8ca523f5e9506fed4657c9700eebdbec");
  expect(header).toContain('opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"');
});

test("answers SHA-256 as the example of RFC 7616, section 3.9.1", () => {
  const challenge =
    'Digest realm="http-auth@example.org", qop="auth", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"';
  const request = { method: "GET", uri: "/dir/index.html" };
  const header = authorize([challenge], mufasa, request, "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
  expect(responseOf(header)).toBe("753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
});

test("answers the older form without qop as the example of RFC 2069 (with its erratum)", () => {
  const challenge = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"';
  const credentials = { username: "Mufasa", password: "CircleOfLife" };
  expect(responseOf(authorize([challenge], credentials, { method: "GET", uri: "/dir/index.html" }))).toBe(
    "1949323746fe6a43ef61f9606e7febea",
  );
});

test("prefers digest, answers basic, and leaves what it does not know", () => {
  const request = { method: "DESCRIBE", uri: "rtsp://cam/" };
  const challenges = ['Basic realm="a"', 'Digest realm="a", nonce="b"'];
  expect(authorize(challenges, mufasa, request)).toMatch(/^Digest /);
  expect(authorize([challenges[0]!], { username: "Aladdin", password: "open sesame" }, request)).toBe(
    "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
  );
  expect(authorize(["Negotiate"], mufasa, request)).toBeUndefined();
});

test("a quote in a user name cannot end its field", () => {
  const challenge = 'Digest realm="a", nonce="b"';
  const header = authorize([challenge], { username: 'x", uri="', password: "" }, { method: "M", uri: "u" });
  expect(header).toContain(String.raw`username="x\", uri=\""`);
});

test.each([
  [["MD5", "SHA-256"], "SHA-256"],
  [["SHA-256", "MD5"], "SHA-256"],
  [["SHA-512", "MD5"], "MD5"],
  [["MD5-sess"], "MD5-sess"],
  [["SHA3-512"], undefined],
])("of the digests %j it answers %s", (offers, expected) => {
  const headers = offers.map((algorithm) => `Digest realm="a", nonce="b", algorithm=${algorithm}`);
  const header = authorize(headers, mufasa, { method: "M", uri: "u" });
  expect(/algorithm=([^,]+)/.exec(header ?? "")?.[1]).toBe(expected);
});

test("reads several challenges of one header, and says what nobody here can answer", () => {
  const together = 'Digest realm="a, b", nonce="c", algorithm=SHA-512, Basic realm="a", Negotiate';
  expect(parseChallenges(together).map(({ scheme }) => scheme)).toEqual(["digest", "basic", "negotiate"]);
  expect(bestChallenge(parseChallenges(together))?.scheme).toBe("basic");
  const unknown = ['Digest realm="a", nonce="c", algorithm=SHA-512', 'Digest realm="a", qop="auth-int"'];
  expect(bestChallenge(unknown.flatMap(parseChallenges))).toBeUndefined();
  expect(nameChallenges(unknown.flatMap(parseChallenges))).toBe(
    "Digest SHA-512, Digest MD5 with qop auth-int",
  );
});
