/** Where upstream answers, as an environment says. */
import { expect, test } from "vitest";
import { upstreamPlaces } from "../../src/provenance/open.ts";

test("other addresses are those of the environment, an empty one is none", () => {
  const environment = { VERIFOD_FORGES: "http://127.0.0.1:1/", VERIFOD_REGISTRIES: "" };
  expect(upstreamPlaces(environment)).toEqual({ forges: "http://127.0.0.1:1/" });
});

test.each(["upstream.example", "file:///etc", "http://", "https:"])(
  "%j is no address, and is said to be none",
  (value) => {
    expect(() => upstreamPlaces({ VERIFOD_HOSTS: value })).toThrow("VERIFOD_HOSTS is an address");
  },
);
