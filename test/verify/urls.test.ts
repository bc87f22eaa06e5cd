import { expect, test } from "vitest";
import { checkUrl, refuseAddress } from "../../src/verify/urls.ts";

test.each([
  "https://github.com/acme/frob/archive/v1.tar.gz",
  "http://ftp.gnu.org/gnu/hello/hello-2.12.tar.gz",
  "https://example.org:8443/x?y=z#f",
  "https://93.184.216.34/x",
  "https://[2606:2800:220:1:248:1893:25c8:1946]/x",
  "https://crates.io/api/v1/crates/a%20b/1/download",
])("%s is a public place", (url) => {
  expect(checkUrl(url, [])).toMatchObject({ kind: "ok" });
});

test.each([
  "http://127.0.0.1/",
  "http://127.1/",
  "http://2130706433/",
  "http://0x7f.1/",
  "http://0177.0.0.1/",
  "http://0/",
  "http://localhost/",
  "http://LOCALHOST./",
  "http://a.localhost/",
  "http://intranet/",
  "http://build.internal/",
  "http://printer.local/",
  "http://10.1.2.3/",
  "http://172.16.0.1/",
  "http://172.31.255.255/",
  "http://192.168.1.1/",
  "http://100.64.0.1/",
  "http://169.254.169.254/latest/meta-data/",
  "http://metadata.google.internal/",
  "http://198.18.0.1/",
  "http://224.0.0.1/",
  "http://255.255.255.255/",
  "http://[::1]/",
  "http://[::]/",
  "http://[::ffff:127.0.0.1]/",
  "http://[::ffff:8.8.8.8]/",
  "http://[64:ff9b::7f00:1]/",
  "http://[2002:7f00:1::]/",
  "http://[fe80::1]/",
  "http://[fd00:ec2::254]/",
  "http://[ff02::1]/",
  "http://good.org\\@127.0.0.1/",
  "http://good.org@127.0.0.1/",
  "https://user:secret@good.org/",
  "http://127。0。0。1/",
  "http://good.org/\u0000",
  "http://good.org /x",
  "http://good.org/\r\nHost: evil",
  "http:///good.org/x",
  "https:/good.org/x",
  "https:good.org/x",
  "http://80808080./",
  "http://good%2eorg/",
  "http://GOOD.org@x",
  "http://[2606:2800:220:1:248:1893:25c8:01946]/",
  "http://",
  "http://[::1/",
])("%j is refused", (url) => {
  expect(checkUrl(url, [])).toMatchObject({ kind: "refused" });
});

test.each([
  "file:///etc/passwd",
  "ftp://ftp.gnu.org/x",
  "gopher://x/",
  "dict://x/",
  "git://x/y",
  "ssh://git@github.com/x",
  "git+ssh://x",
  "ext::sh -c touch% /tmp/x",
  "mirror://gnu/hello",
  "data:text/plain,x",
  "/etc/passwd",
  "",
])("%j is not fetched", (url) => {
  expect(checkUrl(url, [])).toMatchObject({ kind: "foreign" });
});

test("a host is allowed by name, with or without its port, and no other", () => {
  expect(checkUrl("http://127.0.0.1:8080/x", ["127.0.0.1:8080"])).toMatchObject({ kind: "ok", port: 8080 });
  expect(checkUrl("http://127.0.0.1:8081/x", ["127.0.0.1:8080"])).toMatchObject({ kind: "refused" });
  expect(checkUrl("http://forge.corp:3000/x", ["Forge.corp"])).toMatchObject({ kind: "ok" });
  expect(checkUrl("http://evil-forge.corp.internal/x", ["forge.corp"])).toMatchObject({ kind: "refused" });
});

test.each([
  ["8.8.8.8", null],
  ["2606:4700::1111", null],
  ["127.0.0.2", "a loopback address"],
  ["fe80::1%eth0", "a link-local address"],
  ["::ffff:10.0.0.1", "an IPv4-mapped address"],
  ["good.org", "not an IP address"],
])("the address %s: %s", (address, what) => {
  expect(refuseAddress(address)).toBe(what);
});

test.each(["http://good.org@93.184.216.34/", "https://user:secret@good.org/", "https://:secret@good.org/"])(
  "%s is refused for its user name",
  (url) => {
    expect(checkUrl(url, [])).toEqual({ kind: "refused", reason: "a URL with a user name" });
  },
);
