/** How a request travels: the token, retries that repeat nothing, errors that say what to do. */

export interface ClientOptions {
  /** How often a request is sent again that a later try may pass; 2 unless you say otherwise. */
  retries?: number;
  /** Of a request whose answer is not streamed; 60,000. */
  timeoutMilliseconds?: number;
  /** In place of the platform's own. */
  fetch?: typeof fetch;
}

export interface Options {
  signal?: AbortSignal;
  /** Of a POST: the same key twice does nothing twice. Each call has one of its own. */
  idempotencyKey?: string;
}

export interface GuardedOptions extends Options {
  /** What `etagOf` said of the thing: it is changed only if nobody has changed it since. */
  ifMatch?: string;
}

export interface Sent {
  body?: unknown;
  query?: object;
  form?: FormData;
}

export interface InvalidField {
  type: string;
  loc: (string | number)[];
  msg: string;
  input?: unknown;
}

/** Statuses that a later try may pass. */
export const RETRIED: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const LONGEST_WAIT_SECONDS = 30;

/**
 * The server said no, or was not to be had. `status` is 0 where there was no answer. `code` is stable, `requestId` finds
 * the request in the server's log, `retryable` says whether it may succeed later and `retryAfterSeconds` when.
 */
export class MiniRAGError extends Error {
  override readonly name = "MiniRAGError";

  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string | InvalidField[],
    readonly requestId = "",
    readonly retryable = false,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(`${status} ${code}: ${typeof detail === "string" ? detail : JSON.stringify(detail)}`);
  }
}

const etags = new WeakMap<object, string>();

/** The `ETag` of something as it was read: send it as `ifMatch` with the change. Empty where it has none. */
export function etagOf(thing: object): string {
  return etags.get(thing) ?? "";
}

/** One server and a token of it. */
export class Transport {
  readonly baseUrl: string;
  readonly retries: number;
  readonly #token: string;
  readonly #timeout: number;
  readonly #fetch: typeof fetch;

  constructor(baseUrl: string, token = "", options: ClientOptions = {}) {
    this.baseUrl = baseUrl.replace(/\/+$/, "");
    this.#token = token;
    this.retries = options.retries ?? 2;
    this.#timeout = options.timeoutMilliseconds ?? 60_000;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
  }

  /** Send a request and return its answer of 2xx. Rejects with a MiniRAGError; with the signal's reason if it was aborted. */
  async request(method: string, path: string, sent: Sent = {}, options: GuardedOptions = {}): Promise<Response> {
    const headers = this.headers(method, options);
    for (let attempt = 0; ; attempt += 1) {
      // What a form holds is sent once: it may be large, and is not to lie here twice.
      const isLast = attempt >= this.retries || sent.form !== undefined;
      const answer = await this.#try(method, path, sent, headers, options.signal).catch((error: unknown) => {
        options.signal?.throwIfAborted();
        return unreachable(error);
      });
      if (answer instanceof Response && answer.ok) return answer;
      const failure = answer instanceof Response ? await readError(answer) : answer;
      const mayPass = failure.status === 0 || (RETRIED.has(failure.status) && failure.code !== "quota_exceeded");
      if (isLast || !mayPass) throw failure;
      await pause(chooseWait(attempt, failure.retryAfterSeconds), options.signal);
    }
  }

  /** Send a request once, whose answer is read piece by piece. */
  async open(method: string, path: string, sent: Sent, headers: Headers, signal?: AbortSignal): Promise<Response> {
    const init: RequestInit = { method, headers, signal: signal ?? null };
    if (sent.form !== undefined) init.body = sent.form;
    else if (sent.body !== undefined) {
      headers.set("Content-Type", "application/json");
      init.body = JSON.stringify(sent.body);
    }
    return this.#fetch(`${this.baseUrl}${path}${writeQuery(sent.query)}`, init);
  }

  headers(method: string, options: GuardedOptions = {}): Headers {
    const headers = new Headers();
    if (this.#token) headers.set("Authorization", `Bearer ${this.#token}`);
    if (method === "POST") headers.set("Idempotency-Key", options.idempotencyKey ?? randomKey());
    if (options.ifMatch !== undefined) headers.set("If-Match", options.ifMatch);
    return headers;
  }

  protected async readJson<T>(method: string, path: string, sent: Sent, options: GuardedOptions): Promise<T> {
    const response = await this.request(method, path, sent, options);
    const read = (await response.json()) as T;
    const etag = response.headers.get("ETag");
    if (etag && typeof read === "object" && read !== null) etags.set(read, etag);
    return read;
  }

  protected async readText(method: string, path: string, sent: Sent, options: GuardedOptions): Promise<string> {
    return (await this.request(method, path, sent, options)).text();
  }

  protected async readNothing(method: string, path: string, sent: Sent, options: GuardedOptions): Promise<void> {
    await (await this.request(method, path, sent, options)).arrayBuffer();
  }

  async #try(method: string, path: string, sent: Sent, headers: Headers, signal?: AbortSignal): Promise<Response> {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(new Error("the server took too long")), this.#timeout);
    const give = () => limit.abort(signal?.reason);
    if (signal?.aborted) give();
    signal?.addEventListener("abort", give);
    try {
      const response = await this.open(method, path, sent, headers, limit.signal);
      // Read whole within the time, so that a connection that breaks in the middle is tried again as well.
      const body = [204, 304].includes(response.status) ? null : await response.arrayBuffer();
      return new Response(body, { status: response.status, headers: response.headers });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", give);
    }
  }
}

export function unreachable(error: unknown): MiniRAGError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return new MiniRAGError(0, "unreachable", cause instanceof Error ? cause.message : String(cause), "", true);
}

/** Our error for an answer that is not 2xx, whatever gave it. */
export async function readError(response: Response): Promise<MiniRAGError> {
  const text = await response.text().catch(() => "");
  let body: Record<string, unknown> = { detail: text.slice(0, 500) };
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read === "object" && read !== null && !Array.isArray(read)) body = read as Record<string, unknown>;
  } catch {} // a proxy's page
  const after = response.headers.get("Retry-After") ?? "";
  return new MiniRAGError(
    response.status,
    String(body["code"] ?? "http_error"),
    (body["detail"] ?? "") as string | InvalidField[],
    String(body["request_id"] || (response.headers.get("X-Request-ID") ?? "")),
    Boolean(body["retryable"] ?? RETRIED.has(response.status)),
    /^\d+(\.\d+)?$/.test(after) ? Number(after) : null,
  );
}

/** What the server asked for, or else half a second doubled each time, with jitter. */
export function chooseWait(attempt: number, asked: number | null): number {
  return Math.min(asked ?? 0.5 * 2 ** attempt * (0.5 + Math.random()), LONGEST_WAIT_SECONDS);
}

export function pause(seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const leave = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", leave);
      resolve();
    }, seconds * 1000);
    signal?.addEventListener("abort", leave, { once: true });
  });
}

export const inPath = (value: string | number): string => encodeURIComponent(value);

function writeQuery(query: object = {}): string {
  const written = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue;
    for (const each of Array.isArray(value) ? value : [value]) written.append(name, String(each));
  }
  return String(written) && `?${written}`;
}

function randomKey(): string {
  if (typeof crypto !== "undefined" && "randomUUID" in crypto) return crypto.randomUUID();
  const digits = () => Math.random().toString(36).slice(2); // Node 18; it has to be unlike others, and is no secret
  return `${digits()}${digits()}${digits()}`;
}
