import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { MiniRAG, MiniRAGError, etagOf, verifyWebhook } from "@minirag/client";

const json = (status, body, headers = {}) => new Response(JSON.stringify(body), { status, headers });
const events = (...names) => names.map((name) => `event: ${name}\ndata: {"n":1}\n\n`).join("");
const stream = (text, headers = {}) => new Response(text, { headers });
const gone = () => new TypeError("fetch failed", { cause: new Error("refused") });

/** A stream whose connection breaks behind `text`. */
function broken(text, headers = {}) {
  let isRead = false;
  const body = new ReadableStream({
    pull(controller) {
      if (isRead) controller.error(new Error("reset"));
      else controller.enqueue(new TextEncoder().encode(text));
      isRead = true;
    },
  });
  return new Response(body, { headers });
}

/** A client of a server that gives these answers in turn, and the requests that reached it. No pause is waited for. */
function open(answers, options = {}) {
  const seen = [];
  const fetch = async (url, init) => {
    seen.push({ url: new URL(url), method: init.method, headers: init.headers, body: init.body });
    const answer = answers[seen.length - 1];
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return [new MiniRAG("http://minirag.example/", "token", { fetch, ...options }), seen];
}

/** Runs with pauses that are over at once; returns how long each was to be. */
async function withoutPauses(act) {
  const waits = [];
  const real = globalThis.setTimeout;
  globalThis.setTimeout = (done, milliseconds) => {
    if (milliseconds >= 60_000) return real(() => undefined, 0); // of a request that takes too long
    waits.push(milliseconds / 1000);
    return real(done, 0);
  };
  try {
    await act();
  } finally {
    globalThis.setTimeout = real;
  }
  return waits;
}

async function collect(generator) {
  const all = [];
  for await (const each of generator) all.push(each);
  return all;
}

const failsWith = (wanted) => (error) => {
  assert.ok(error instanceof MiniRAGError);
  for (const [name, value] of Object.entries(wanted)) assert.deepEqual(error[name], value);
  return true;
};

test("what is not given is not sent, and null is null", async () => {
  const [minirag, seen] = open([json(200, {})]);
  await minirag.changeBot("a/b", { name: "New", embedding_model: null, greeting: undefined });
  assert.deepEqual(JSON.parse(seen[0].body), { name: "New", embedding_model: null });
  assert.equal(seen[0].method, "PATCH");
  assert.equal(seen[0].url.href, "http://minirag.example/v1/bot-profiles/a%2Fb");
  assert.equal(seen[0].headers.get("authorization"), "Bearer token");
});

test("a busy server is asked again after as long as it wants, under one key", async () => {
  const busy = json(429, { detail: "slow", code: "rate_limited" }, { "Retry-After": "7" });
  const [minirag, seen] = open([busy, gone(), json(201, { id: "x" })]);
  const waits = await withoutPauses(async () => {
    assert.deepEqual(await minirag.createBot({ name: "x" }), { id: "x" });
  });
  assert.equal(waits[0], 7);
  assert.ok(waits[1] > 0 && waits[1] < 2);
  assert.equal(seen.length, 3);
  assert.equal(new Set(seen.map((each) => each.headers.get("idempotency-key"))).size, 1);
});

test("after the last try the error says what to do", async () => {
  const body = { detail: "The model is away.", code: "provider_unavailable", request_id: "r1", retryable: true };
  const [minirag, seen] = open([1, 2, 3].map(() => json(503, body)));
  await withoutPauses(() =>
    assert.rejects(
      minirag.askBot({ bot_profile_id: "b", message: "Hi" }),
      failsWith({ status: 503, code: "provider_unavailable", requestId: "r1", retryable: true }),
    ),
  );
  assert.equal(seen.length, 3);
});

test("what no later try can mend is tried once", async () => {
  const spent = json(429, { detail: "No messages left.", code: "quota_exceeded" }, { "Retry-After": "86400" });
  const invalid = json(422, { detail: [{ loc: ["body", "name"], msg: "m", type: "t" }], code: "validation_error" });
  const proxy = new Response("<h1>Bad Gateway</h1>", { status: 404 });
  for (const [answer, code] of [[spent, "quota_exceeded"], [invalid, "validation_error"], [proxy, "http_error"]]) {
    const [minirag, seen] = open([answer]);
    await assert.rejects(minirag.listBots(), failsWith({ code }));
    assert.equal(seen.length, 1);
  }
});

test("a server that is not there is an error of ours, and a signal ends the waiting", async () => {
  const [minirag] = open([gone()], { retries: 0 });
  await assert.rejects(minirag.listBots(), failsWith({ status: 0, code: "unreachable", detail: "refused" }));
  const [waiting] = open([json(503, {}, { "Retry-After": "30" })]);
  const controller = new AbortController();
  const asked = waiting.listBots({}, { signal: controller.signal });
  setTimeout(() => controller.abort(new Error("enough")), 10);
  await assert.rejects(asked, /enough/);
});

test("a change can be kept from overwriting others", async () => {
  const shown = json(200, { id: "s", name: "Hours" }, { ETag: '"a1"' });
  const refused = json(409, { code: "changed_meanwhile", detail: "Read it again." });
  const [minirag, seen] = open([shown, refused, new Response(null, { status: 204 })]);
  const source = await minirag.showSource("s");
  assert.equal(etagOf(source), '"a1"');
  assert.equal(etagOf({}), "");
  const change = minirag.changeSource("s", { name: "Times" }, { ifMatch: etagOf(source) });
  await assert.rejects(change, failsWith({ code: "changed_meanwhile" }));
  assert.equal(await minirag.deleteSource("s"), undefined);
  assert.deepEqual(seen.map((each) => each.headers.get("if-match")), [null, '"a1"', null]);
});

test("a stream that breaks is read on where it broke", async () => {
  const [minirag, seen] = open([
    broken(events("sources", "delta"), { "X-Turn-ID": "t1" }),
    gone(),
    broken(events("delta")),
    stream(events("delta", "done")),
  ]);
  let heard;
  await withoutPauses(async () => (heard = await collect(minirag.stream({ bot_profile_id: "b", message: "Hi" }))));
  assert.deepEqual(heard.map((each) => each.name), ["sources", "delta", "delta", "delta", "done"]);
  assert.deepEqual(heard.map((each) => each.number), [1, 2, 3, 4, 5]);
  assert.equal(heard[4].turnId, "t1");
  assert.deepEqual(seen.map((each) => each.headers.get("last-event-id")), [null, "2", "2", "3"]);
  assert.equal(seen[1].url.href, "http://minirag.example/v1/turns/t1/events?extended=true");
  assert.equal(JSON.parse(seen[0].body).stream, true);
});

test("a stream says at once what cannot be read on, and gives up on a server that stays away", async () => {
  const failed = stream('event: error\ndata: {"code": "interrupted"}\n\n');
  for (const [answer, code] of [[json(410, { code: "gone" }), "gone"], [failed, "interrupted"]]) {
    const [minirag, seen] = open([answer]);
    await assert.rejects(collect(minirag.follow("t1", { after: 7 })), failsWith({ code }));
    assert.equal(seen.length, 1);
    assert.equal(seen[0].headers.get("last-event-id"), "7");
  }
  const [nameless, seen] = open([broken(events("delta"))]);
  await assert.rejects(collect(nameless.stream({ bot_profile_id: "b", message: "Hi" })), failsWith({ code: "unreachable" }));
  assert.equal(seen.length, 1);
});

test("signs of more than one byte survive the borders of what arrives", async () => {
  const bytes = new TextEncoder().encode('event: delta\ndata: {"content":"Grüße 你好"}\n\nevent: done\ndata: {}\n\n');
  const body = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const [minirag] = open([new Response(body, { headers: { "X-Turn-ID": "t" } })]);
  const [delta] = await collect(minirag.stream({ bot_profile_id: "b", message: "Hi" }));
  assert.equal(delta.data.content, "Grüße 你好");
});

test("lists of both kinds are read to their end", async () => {
  const link = { Link: '<http://minirag.example/v1/sources?limit=1&cursor=c2>; rel="next"' };
  const [minirag, seen] = open([
    json(200, [{ id: 1 }], link),
    json(200, [{ id: 2 }]),
    json(200, { items: [{ id: 3 }], next_cursor: "c4" }),
    json(200, { items: [{ id: 4 }], next_cursor: null }),
  ]);
  assert.deepEqual(await collect(minirag.iterate("/v1/sources", { page_size: 1 })), [{ id: 1 }, { id: 2 }]);
  assert.deepEqual(await collect(minirag.iterate("/v1/documents")), [{ id: 3 }, { id: 4 }]);
  assert.deepEqual(seen.map((each) => each.url.searchParams.get("cursor")), [null, "c2", null, "c4"]);
});

test("files go up as forms, once, and an export comes down as a stream", async () => {
  const [minirag, seen] = open([json(201, { id: "s" }), json(200, { created: 1 }), stream("a,b\n"), json(503, {})]);
  const file = { name: "hours.md", content: new Blob(["# Hours"]) };
  await minirag.upload(file, { bot_profile_id: "b", name: "Hours" });
  await minirag.uploadMany([file], { bot_profile_id: "b", external_ids: ["x"] });
  assert.equal(seen[0].body.get("file").name, "hours.md");
  assert.equal(seen[0].body.get("name"), "Hours");
  assert.equal(seen[0].headers.get("content-type"), null); // with its boundary, from the platform
  assert.equal(seen[1].body.get("external_ids"), '["x"]');
  assert.equal(await new Response(await minirag.download("/v1/chat/export", { format: "csv" })).text(), "a,b\n");
  await assert.rejects(minirag.upload(file, { bot_profile_id: "b" }), failsWith({ status: 503 }));
  assert.equal(seen.length, 4);
});

test("an ingestion is waited for", async () => {
  const [minirag] = open([json(200, { status: "pending" }), json(200, { status: "ready" }), json(200, { status: "error", error_message: "no" })]);
  await withoutPauses(async () => assert.equal((await minirag.waitUntilReady("s")).status, "ready"));
  await assert.rejects(minirag.waitUntilReady("s"), failsWith({ code: "ingestion_failed", detail: "no" }));
});

test("a webhook of ours is known and no other", async () => {
  const sign = (key, body, at = Math.floor(Date.now() / 1000)) => ({
    "Webhook-Id": "msg_1",
    "Webhook-Timestamp": String(at),
    "Webhook-Signature": `v1,AAAA v1,${createHmac("sha256", key).update(`msg_1.${at}.${body}`).digest("base64")}`,
  });
  const headers = sign("secret", "{}");
  assert.equal(await verifyWebhook("secret", headers, "{}"), true);
  assert.equal(await verifyWebhook("secret", new Headers(headers), new TextEncoder().encode("{}")), true);
  assert.equal(await verifyWebhook("secret", headers, "{ }"), false);
  assert.equal(await verifyWebhook("other", headers, "{}"), false);
  assert.equal(await verifyWebhook("secret", {}, "{}"), false);
  assert.equal(await verifyWebhook("secret", sign("secret", "{}", 1), "{}"), false);
  const coded = `whsec_${Buffer.from("0123456789abcdef").toString("base64")}`;
  assert.equal(await verifyWebhook(coded, sign("0123456789abcdef", "{}"), "{}"), true);
});
