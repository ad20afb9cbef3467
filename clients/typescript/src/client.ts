/** The client: every operation of the API, streams, pages, files, and waiting for an ingestion. */

import { Operations } from "./operations.js";
import { MiniRAGError, RETRIED, chooseWait, inPath, pause, readError, unreachable } from "./transport.js";
import type { GuardedOptions, Options } from "./transport.js";
import type { ReceivedFiles, Source } from "./types.js";

/**
 * One event of a streamed answer: `sources`, `delta` or `done`, with its data. A turn's events are numbered from 1;
 * `turnId` and `number` say where `follow` may go on.
 */
export interface AnswerEvent {
  name: string;
  data: Record<string, unknown>;
  number: number;
  turnId: string;
}

export interface Question {
  bot_profile_id: string;
  message: string;
  chat_id?: string;
  extended?: boolean;
}

export interface NamedFile {
  name: string;
  content: Blob;
}

/** A server and a token of it. */
export class MiniRAG extends Operations {
  /**
   * Ask a bot and yield the answer as it is written.
   *
   * Where the connection breaks it is read on where it broke off, from whichever web process answers. An `error` event
   * ends it by throwing a MiniRAGError, and so does a server that stays out of reach.
   */
  async *stream(question: Question, options: Options = {}): AsyncGenerator<AnswerEvent, void, void> {
    const extended = question.extended ?? true;
    const body = { ...question, extended, stream: true };
    const response = await this.#openStream("POST", "/v1/chat", { body }, this.headers("POST", options), options.signal);
    yield* this.#readOn(response, response.headers.get("X-Turn-ID") ?? "", 0, extended, options.signal);
  }

  /** Yield a turn's events behind number `after`, those that are still to come as well; see `stream`. */
  async *follow(
    turnId: string,
    { after = 0, extended = true, signal }: { after?: number; extended?: boolean; signal?: AbortSignal } = {},
  ): AsyncGenerator<AnswerEvent, void, void> {
    yield* this.#readOn(null, turnId, after, extended, signal);
  }

  async *#readOn(
    response: Response | null,
    turnId: string,
    number: number,
    extended: boolean,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<AnswerEvent, void, void> {
    let attempt = 0; // since something came
    for (;;) {
      let failure = new MiniRAGError(0, "unreachable", "The stream ended early.", "", true);
      try {
        response ??= await this.#openEvents(turnId, number, extended, signal);
        for await (const { name, data } of readEvents(response)) {
          number += 1;
          attempt = 0;
          if (name === "error") throw readFailure(data);
          yield { name, data, number, turnId };
          if (name === "done") return;
        }
      } catch (error) {
        signal?.throwIfAborted();
        const known = error instanceof MiniRAGError ? error : unreachable(error);
        if (known.status && !RETRIED.has(known.status)) throw known;
        failure = known;
      }
      if (!turnId || attempt >= this.retries) throw failure;
      await pause(chooseWait(attempt, failure.retryAfterSeconds), signal);
      response = null;
      attempt += 1;
    }
  }

  #openEvents(turnId: string, number: number, extended: boolean, signal?: AbortSignal): Promise<Response> {
    const headers = this.headers("GET");
    headers.set("Last-Event-ID", String(number));
    return this.#openStream("GET", `/v1/turns/${inPath(turnId)}/events`, { query: { extended } }, headers, signal);
  }

  async #openStream(
    method: string,
    path: string,
    sent: { body?: unknown; query?: object },
    headers: Headers,
    signal?: AbortSignal,
  ): Promise<Response> {
    const response = await this.open(method, path, sent, headers, signal).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw unreachable(error);
    });
    if (!response.ok) throw await readError(response);
    return response;
  }

  /** Yield every item of a list, page after page: `minirag.iterate<Source>("/v1/sources", { bot_profile_id })`. */
  async *iterate<T>(
    path: string,
    { page_size = 100, ...query }: { page_size?: number; [name: string]: unknown } = {},
    options: Options = {},
  ): AsyncGenerator<T, void, void> {
    let cursor: string | null = null;
    do {
      const response = await this.request("GET", path, { query: { ...query, limit: page_size, cursor } }, options);
      const page = (await response.json()) as T[] | { items: T[]; next_cursor?: string | null };
      yield* Array.isArray(page) ? page : page.items;
      cursor = Array.isArray(page) ? nextOf(response) : (page.next_cursor ?? null);
    } while (cursor);
  }

  /** Give a bot a file; its ingestion starts by itself. `fields` are name, description and parent_id. */
  async upload(
    file: NamedFile,
    fields: { bot_profile_id: string; name?: string; description?: string; parent_id?: string },
    options: Options = {},
  ): Promise<Source> {
    const form = writeForm(fields);
    form.append("file", file.content, file.name);
    return (await this.request("POST", "/v1/sources/upload", { form }, options)).json() as Promise<Source>;
  }

  /** Give a bot up to a thousand files in one call, each under an id of yours where there are any; see the answer of each. */
  async uploadMany(
    files: NamedFile[],
    fields: {
      bot_profile_id: string;
      external_ids?: string[];
      description?: string;
      parent_id?: string;
      visibility?: string;
      groups?: string;
    },
    options: Options = {},
  ): Promise<ReceivedFiles> {
    const { external_ids, ...others } = fields;
    const form = writeForm({ ...others, ...(external_ids ? { external_ids: JSON.stringify(external_ids) } : {}) });
    for (const file of files) form.append("files", file.content, file.name);
    const response = await this.request("POST", "/v1/sources/upload-many", { form }, options);
    return response.json() as Promise<ReceivedFiles>;
  }

  /** An export of any size, as a stream of its bytes. */
  async download(path: string, query: object = {}, options: GuardedOptions = {}): Promise<ReadableStream<Uint8Array>> {
    const response = await this.#openStream("GET", path, { query }, this.headers("GET", options), options.signal);
    return response.body ?? new Blob([]).stream();
  }

  /** Wait for a source's ingestion. Rejects with a MiniRAGError: `ingestion_failed`, or `timeout`. */
  async waitUntilReady(
    sourceId: string,
    { timeoutSeconds = 300, signal }: { timeoutSeconds?: number; signal?: AbortSignal } = {},
  ): Promise<Source> {
    const endsAt = Date.now() + timeoutSeconds * 1000;
    for (let wait = 0.2; ; wait = Math.min(wait * 1.5, 3)) {
      const source = await this.showSource(sourceId, signal ? { signal } : {});
      if (source.status === "ready") return source;
      if (source.status === "error") throw new MiniRAGError(200, "ingestion_failed", source.error_message ?? "");
      if (Date.now() > endsAt) throw new MiniRAGError(0, "timeout", `The source is still ${source.status}.`, "", true);
      await pause(wait, signal);
    }
  }
}

async function* readEvents(response: Response): AsyncGenerator<{ name: string; data: Record<string, unknown> }> {
  let name = "";
  for await (const line of readLines(response)) {
    if (line.startsWith("event: ")) name = line.slice(7);
    else if (line.startsWith("data: ")) yield { name, data: JSON.parse(line.slice(6)) as Record<string, unknown> };
  }
}

async function* readLines(response: Response): AsyncGenerator<string> {
  if (!response.body) return;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const lines = (rest + (done ? decoder.decode() : decoder.decode(value, { stream: true }))).split(/\r?\n/);
      rest = lines.pop() ?? "";
      yield* lines;
      if (done) return;
    }
  } finally {
    await reader.cancel().catch(() => undefined); // who leaves a stream does not stop the answer
  }
}

function readFailure(data: Record<string, unknown>): MiniRAGError {
  const text = (name: string) => String(data[name] ?? "");
  return new MiniRAGError(200, text("code") || "failed", text("detail"), text("request_id"), Boolean(data["retryable"]));
}

function writeForm(fields: object): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) form.append(name, String(value));
  return form;
}

/** The cursor in the Link header, by which the plain lists of MiniRAG 1.0 are paged. */
function nextOf(response: Response): string | null {
  const link = /<([^>]*)>;\s*rel="?next"?/.exec(response.headers.get("Link") ?? "");
  return link?.[1] ? new URL(link[1], "http://localhost").searchParams.get("cursor") : null;
}
