import { expect, test } from "vitest";
import { authorize, parseChallenge } from "./digest-auth.ts";

const mufasa = { username: "Mufasa", password: "Circle of Life" };
const responseOf = (header: string | undefined) => /response="([0-9a-f]+)"/.exec(header ?? "")?.[1];

test("answers MD5 as the example of RFC 7616, section 3.9.1", () => {
  const challenge = parseChallenge(
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
  );
  const request = { method: "GET", uri: "/dir/index.html" };
  const header = authorize([challenge], mufasa, request, "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
  expect(responseOf(header)).toBe("8ca523f5e9506fed4657c9700eebdbec");
  expect(header).toContain('opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"');
});

test("answers SHA-256 as the example of RFC 7616, section 3.9.1", () => {
  const challenge = parseChallenge(
    'Digest realm="http-auth@example.org", qop="auth", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"',
  );
  const request = { method: "GET", uri: "/dir/index.html" };
  const header = authorize([challenge], mufasa, request, "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
  expect(responseOf(header)).toBe("753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
});

test("answers the older form without qop as the example of RFC 2069 (with its erratum)", () => {
  const challenge = parseChallenge(
    'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"',
  );
  const credentials = { username: "Mufasa", password: "CircleOfLife" };
  expect(responseOf(authorize([challenge], credentials, { method: "GET", uri: "/dir/index.html" }))).toBe(
    "1949323746fe6a43ef61f9606e7febea",
  );
});

test("prefers digest, answers basic, and leaves what it does not know", () => {
  const request = { method: "DESCRIBE", uri: "rtsp://cam/" };
  const challenges = ['Basic realm="a"', 'Digest realm="a", nonce="b"'].map(parseChallenge);
  expect(authorize(challenges, mufasa, request)).toMatch(/^Digest /);
  expect(authorize([challenges[0]!], { username: "Aladdin", password: "open sesame" }, request)).toBe(
    "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
  );
  expect(authorize([parseChallenge("Negotiate")], mufasa, request)).toBeUndefined();
});

test("a quote in a user name cannot end its field", () => {
  const challenge = parseChallenge('Digest realm="a", nonce="b"');
  const header = authorize([challenge], { username: 'x", uri="', password: "" }, { method: "M", uri: "u" });
  expect(header).toContain(String.raw`username="x\", uri=\""`);
});
