/** What an editor knows of the client: compiled, not run. */
import { MiniRAG, etagOf, type types } from "@minirag/client";

export async function use(minirag: MiniRAG): Promise<string> {
  const bot: types.BotProfile = await minirag.createBot({ name: "Support", is_public: true });
  await minirag.changeBot(bot.id, { temperature: 0.2 }, { ifMatch: etagOf(bot) });
  for await (const source of minirag.iterate<types.Source>("/v1/sources")) if (source.status === "ready") break;
  // @ts-expect-error a bot has a name
  await minirag.createBot({});
  // @ts-expect-error no such status
  if ((await minirag.showSource("s")).status === "finished") return "";
  // @ts-expect-error nobody else can have changed what is only now made
  await minirag.createBot({ name: "x" }, { ifMatch: '"a"' });
  const answer = await minirag.askBot({ bot_profile_id: bot.id, message: "Hi", extended: true });
  return answer.message.content;
}
