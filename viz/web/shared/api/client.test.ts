import { expect, test } from "vitest";
import { ApiClient, ApiProblem, newUuid, Offline, signInAddress, TRIES_MAX } from "./client";

interface Call {
  address: string;
  init: RequestInit;
  headers: Record<string, string>;
}

type Answer = (() => Response) | Error;

/** A client over a list of prepared answers, and the requests it made. The clock does not run: waits are noted. */
function aClient(answers: Answer[]) {
  const calls: Call[] = [];
  const waits: number[] = [];
  let signedOut = 0;
  const client = new ApiClient({
    fetch: (input, init = {}) => {
      calls.push({ address: String(input), init, headers: init.headers as Record<string, string> });
      const answer = answers[Math.min(calls.length, answers.length) - 1]!;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer());
    },
    onSignedOut: () => (signedOut += 1),
    wait: (ms) => Promise.resolve(void waits.push(ms)),
  });
  return { client, calls, waits, signedOut: () => signedOut };
}

const json = (body: unknown, status = 200) => () =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });

const CUT = new TypeError("network");

test("a POST that was cut off is tried again with the same idempotency key", async () => {
  const { client, calls, waits } = aClient([CUT, CUT, json({ receipt_id: "r1" })]);
  await expect(client.post("/receipts", { lot_id: "lot_1" })).resolves.toEqual({ receipt_id: "r1" });
  const keys = calls.map((call) => call.headers["Idempotency-Key"]);
  expect(new Set(keys).size).toBe(1);
  expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
  expect(waits).toEqual([400, 800]);
});

test("two commands have two keys", async () => {
  const { client, calls } = aClient([json({})]);
  await client.post("/a");
  await client.post("/a");
  expect(calls[0]!.headers["Idempotency-Key"]).not.toBe(calls[1]!.headers["Idempotency-Key"]);
});

test("the number of tries is bounded and then the cut line is told as Offline", async () => {
  const { client, calls } = aClient([CUT]);
  await expect(client.get("/sites")).rejects.toBeInstanceOf(Offline);
  expect(calls).toHaveLength(TRIES_MAX);
});

test("a refusal is told with its key and facts and is never tried again", async () => {
  const refusal = { type: "/problems/stock.held", title: "On hold", status: 409, key: "stock.held", unit_ids: ["u1"] };
  const { client, calls } = aClient([json(refusal, 409)]);
  const problem = await client.post("/orders/o1/allocate").catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(ApiProblem);
  expect(problem).toMatchObject({ key: "stock.held", status: 409, message: "On hold", facts: { unit_ids: ["u1"] } });
  expect(calls).toHaveLength(1);
});

test("an answer that is no problem document still becomes a problem with its status", async () => {
  const { client } = aClient([() => new Response("<html>", { status: 502, statusText: "Bad Gateway" })]);
  await expect(client.get("/sites")).rejects.toMatchObject({ key: "http.502", status: 502 });
});

test("the session's CSRF token goes with unsafe requests only", async () => {
  const { client, calls } = aClient([json({ csrf_token: "token-1" }), json({}), json({})]);
  await client.signedIn();
  await client.get("/sites");
  await client.post("/alarms/a1/acknowledge");
  expect(calls[1]!.headers["X-CSRF-Token"]).toBeUndefined();
  expect(calls[2]!.headers["X-CSRF-Token"]).toBe("token-1");
  expect(calls[2]!.init.credentials).toBe("same-origin");
});

test("the session comes with the sites that its person may see", async () => {
  const site = { site_id: "site-1", name_en: "One", name_zh: "一" };
  const { client } = aClient([json({ csrf_token: "token-1" }), json({ items: [site], next_cursor: null })]);
  expect((await client.session()).sites).toEqual([site]);
});

test("401 leads to sign-in, a wrong password does not", async () => {
  const refused = json({ key: "session.refused", title: "no", status: 401, type: "" }, 401);
  const away = aClient([refused]);
  await expect(away.client.get("/facilities")).rejects.toBeInstanceOf(ApiProblem);
  expect(away.signedOut()).toBe(1);
  const wrong = aClient([refused]);
  await expect(wrong.client.signIn("officer-a", "x")).rejects.toBeInstanceOf(ApiProblem);
  expect(wrong.signedOut()).toBe(0);
});

test("a list is followed to its end", async () => {
  const { client, calls } = aClient([json({ items: [1, 2], next_cursor: "c2" }), json({ items: [3], next_cursor: null })]);
  await expect(client.list("/receipts", { query: { state: "pledged" } })).resolves.toEqual([1, 2, 3]);
  expect(calls.map((call) => call.address)).toEqual([
    "/api/v1/receipts?limit=5000&state=pledged",
    "/api/v1/receipts?limit=5000&state=pledged&cursor=c2",
  ]);
});

test("the sign-in page comes back to where the person was", () => {
  expect(signInAddress("/bank/facilities/f1?x=1")).toBe("/sign-in/?next=%2Fbank%2Ffacilities%2Ff1%3Fx%3D1");
});

test("keys are version 4 UUIDs also where randomUUID is missing", () => {
  const own = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(crypto), "randomUUID");
  Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true });
  expect(newUuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  Reflect.deleteProperty(crypto, "randomUUID");
  expect(own).toBeDefined();
});
