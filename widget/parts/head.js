/*! MiniRAG, MIT: python -m widget.build */
/* What is fetched when a chat is opened: the window, and the talk with the server. */
customElements.get("minirag-widget").take((own) => {
  "use strict";
  const { ICONS, build, icon, iconButton, findBeside } = own;
  const MAX_QUESTION_LENGTH = 32000;
  const BACKOFF_SECONDS = [0.4, 1, 2, 4, 8];
  const MAX_DROPS = 8; // sockets that may break under one answer
  const SILENCE_SECONDS = 75;
  const QUIET_SECONDS = 20; // then the line may be dead without saying so
  const SOCKET_PATIENCE_SECONDS = 8;
  const OFFLINE_SECONDS = 10; // between two looks whether there is a connection
  const STOP_PATIENCE_SECONDS = 3;
  const MARKDOWN_SECONDS = 5; // then texts are shown as they are written
  // A new session cures these, or tells what is the matter: it ran out, its bot or its chat is gone.
  const CURED_BY_RENEWAL = new Set(["session_expired", "session_invalid", "not_found"]);
  // What visitors are told, in their own language; what the server says of it is for whoever operates the bot.
  const OWN_WORDS = {
    identity: "identity", provider: "unavailable", network: "network",
    rate_limited: "rate_limited", quota_exceeded: "quota_exceeded", budget_exceeded: "quota_exceeded", timeout: "timeout",
    server_stopping: "interrupted", interrupted: "interrupted", provider_timeout: "timeout", nobody_there: "away",
    too_many_handoffs: "too_many_handoffs", too_long: "too_long", origin_not_allowed: "notHere", unavailable: "unavailable",
    database_unavailable: "unavailable", maintenance: "unavailable", tenant_inactive: "unavailable", conflict: "unavailable",
  };
  const tellFailure = (code, words) => words[OWN_WORDS[code] || OWN_WORDS[`${code}`.split("_")[0]] || "failed"];
  const NARROW = "(max-width: 480px), (max-height: 420px)";
  /** Whether a question or an answer of the history was stopped, or got lost. */
  const isCut = ({ outcome }) => outcome === "stopped" || outcome === "failed";

  class Failure extends Error {
    constructor(code, detail, retryable) {
      Object.assign(super(detail || code), { code, detail, retryable });
    }
  }

