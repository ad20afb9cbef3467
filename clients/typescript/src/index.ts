export { MiniRAG } from "./client.js";
export type { AnswerEvent, NamedFile, Question } from "./client.js";
export { MiniRAGError, etagOf } from "./transport.js";
export type { ClientOptions, GuardedOptions, InvalidField, Options } from "./transport.js";
export type * as types from "./types.js";
export { verifyWebhook } from "./webhooks.js";
