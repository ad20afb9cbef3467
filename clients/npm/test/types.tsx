/** @jsxImportSource react */
/** What an editor knows of the element: compiled, not run. */
import "@minirag/widget/react";
import type { GlobalComponents } from "vue";
import "@minirag/widget/vue";

export function usePage(): void {
  const widget = document.querySelector("minirag-widget");
  if (!widget) return;
  widget.addEventListener("message", ({ detail }) => {
    if (detail.role === "assistant") console.log(detail.citations[0]?.url, detail.refused);
    // @ts-expect-error what a visitor asks cites nothing
    if (detail.role === "user") console.log(detail.citations);
  });
  widget.addEventListener("click", (event) => event.preventDefault());
  widget.setContext({ tags: ["shoes"] });
  // @ts-expect-error it only narrows
  widget.setContext({ groups: ["staff"] });
  void widget.send("How long is the warranty?").then((isAsked: boolean) => isAsked);
}

export const element = <minirag-widget bot-id="156c59e1" api-url="https://chat.example.com" onmessage={(event) => event.detail.content} />;
// @ts-expect-error it has a bot
export const nobody = <minirag-widget theme="dark" />;
export type Props = InstanceType<GlobalComponents["minirag-widget"]>["$props"];
export const props: Props = { "bot-id": "156c59e1", onFeedback: (event) => event.detail.message_id };
