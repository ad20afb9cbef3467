/** Is this request from our MiniRAG? By the scheme of Standard Webhooks. */

/**
 * Whether `body`, as it came, was signed with the webhook's secret and not long ago. A delivery may come more than once:
 * its `webhook-id` is the same each time.
 */
export async function verifyWebhook(
  secret: string,
  headers: Headers | Record<string, string | string[] | undefined>,
  body: string | Uint8Array,
  { toleranceSeconds = 300 }: { toleranceSeconds?: number } = {},
): Promise<boolean> {
  const found = new Map<string, string>();
  const entries = headers instanceof Headers ? headers.entries() : Object.entries(headers);
  for (const [name, value] of entries) found.set(name.toLowerCase(), Array.isArray(value) ? (value[0] ?? "") : (value ?? ""));
  const id = found.get("webhook-id") ?? "";
  const sentAt = found.get("webhook-timestamp") ?? "";
  if (!/^\d+$/.test(sentAt) || Math.abs(Date.now() / 1000 - Number(sentAt)) > toleranceSeconds) return false;
  const subtle = await findSubtle();
  const key = await subtle.importKey("raw", keyOf(secret), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  const signed = join(new TextEncoder().encode(`${id}.${sentAt}.`), toBytes(body));
  for (const each of (found.get("webhook-signature") ?? "").split(/\s+/)) {
    const [version, offered] = each.split(",", 2);
    const signature = version === "v1" ? fromBase64(offered ?? "") : null;
    if (signature && (await subtle.verify("HMAC", key, signature, signed))) return true; // in constant time
  }
  return false;
}

/** The platform's, or Node 18's, which does not give it to everybody. */
async function findSubtle(): Promise<SubtleCrypto> {
  if (typeof crypto !== "undefined") return crypto.subtle;
  const module: string = "node:crypto";
  return ((await import(module)) as { webcrypto: Crypto }).webcrypto.subtle;
}

/** A secret that begins with `whsec_` is base64; any other is its own bytes. */
function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  const coded = secret.startsWith("whsec_") ? fromBase64(secret.slice(6)) : null;
  return coded ?? new TextEncoder().encode(secret);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

function toBytes(body: string | Uint8Array): Uint8Array {
  return typeof body === "string" ? new TextEncoder().encode(body) : body;
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}
