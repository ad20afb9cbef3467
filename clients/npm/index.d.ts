/** `<minirag-widget>`: what a page may set, call and hear. docs/widget.md says what each means. */

export interface MiniRagCitation {
  number: number;
  title: string;
  /** Empty where it has no address. */
  url: string;
  page: number | null;
}

export type MiniRagMessage =
  | { role: "user"; content: string }
  | {
      role: "assistant";
      id: string;
      content: string;
      citations: MiniRagCitation[];
      /** Whether it was declined. */
      refused: boolean;
      cut_reason: string | null;
    }
  | { role: "person"; id: string; content: string; person: string };

export interface MiniRagEvents {
  /** It stands on the page as it looks: anew after each change of language, bot or place. */
  ready: { language: string };
  open: Record<string, never>;
  close: Record<string, never>;
  message: MiniRagMessage;
  /** The visitor has opened it. */
  citation: MiniRagCitation;
  feedback: { message_id: string; feedback: "positive" | "negative" | null };
  handoff: { state: string; reason: string; person: string };
  /** `detail` is what the visitor reads. */
  error: { code: string; detail: string; retryable: boolean };
}

/** What narrows the sources that may answer; it is no lock. Dates are like "2026-01-31". */
export interface MiniRagContext {
  tags?: string[];
  dataset_ids?: string[];
  source_ids?: string[];
  languages?: string[];
  dated_from?: string;
  dated_until?: string;
}

/** The attributes, as HTML and templates write them. */
export interface MiniRagAttributes {
  "bot-id": string;
  /** Where MiniRAG is. Needed where the script did not come from there, as from this package. */
  "api-url"?: string;
  identity?: string | null;
  /** Divided by commas. */
  tags?: string;
  title?: string;
  greeting?: string;
  placeholder?: string;
  lang?: string;
  theme?: "light" | "dark";
  position?: "left" | "right";
  size?: "small" | "large";
  placement?: "inline";
}

export interface MiniRagWidget extends HTMLElement {
  botId: string;
  apiUrl: string;
  identity: string;
  tags: string;
  greeting: string;
  placeholder: string;
  placement: string;
  theme: string;
  position: string;
  size: string;

  /** Whether the bot can be talked to. */
  open(): Promise<boolean>;
  close(): void;
  /** As if the visitor had typed it. False while another answer is running. */
  send(question: string): Promise<boolean>;
  /** The same as `send`, by its older name. */
  ask(question: string): Promise<boolean>;
  /** Who the visitor is, signed by your server; null when they have logged out. */
  identify(identity: string | null): void;
  /** A new conversation; `forget` makes the browser's visitor another one. */
  reset(options?: { forget?: boolean }): Promise<void>;
  setLanguage(language: string): void;
  setContext(context: MiniRagContext): void;

  addEventListener<Name extends keyof MiniRagEvents>(
    name: Name,
    listener: (this: MiniRagWidget, event: CustomEvent<MiniRagEvents[Name]>) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    name: Exclude<string, keyof MiniRagEvents>,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "minirag-widget": MiniRagWidget;
  }
}
