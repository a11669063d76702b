// The wire's nouns, as the OpenAPI document has them.
import type { components } from "./openapi.js";

type Schemas = components["schemas"];

export type User = Schemas["User"];
export type Me = Schemas["Me"];
export type SignedIn = Schemas["SignedIn"];
export type NewToken = Schemas["NewToken"];
export type Token = Schemas["Token"];
export type Friend = Schemas["Friend"];
export type ChatInfo = Schemas["ChatInfo"];
export type Chat = Schemas["Chat"];
export type ChatPage = Schemas["ChatPage"];
export type Message = Schemas["Message"];
export type MessagePage = Schemas["MessagePage"];
export type Member = Schemas["Member"];
export type MyMember = Schemas["MyMember"];
export type Read = Schemas["Read"];
export type Problem = Schemas["Problem"];
export type FieldError = Schemas["FieldError"];
export type ChatEvent = Schemas["ChatEvent"];
export type MemberEvent = Schemas["MemberEvent"];
export type MessageEvent = Schemas["MessageEvent"];
export type ReadEvent = Schemas["ReadEvent"];

/** An event that has a place in the inbox. */
export type KeptEvent = MessageEvent | ReadEvent | ChatEvent | MemberEvent;

/** Something that is told only to who is connected now: it has no id and moves no cursor. */
export type Ephemeral = Schemas["ReadEphemeral"] | Schemas["TypingEphemeral"] | Schemas["PresenceEphemeral"];

/** What every transport delivers. The server may add types of events: look at `type` before anything else. */
export type Batch = { after?: string; gap?: boolean; events: (KeptEvent | Ephemeral)[]; cursor: string };

/** Says whether an event has a place in the inbox. */
export function isKept(event: KeptEvent | Ephemeral): event is KeptEvent {
  return "id" in event && event.id !== undefined;
}

/** What stands in the place of a deleted message's text. */
export const TOMBSTONE = "삭제된 메세지 입니다.";

/** How many code points a message has at most, unless the server is told otherwise. */
export const MAX_CONTENT = 4000;

/** Groups with more members than this tell nobody who has read what. */
export const MAX_READERS = 50;
