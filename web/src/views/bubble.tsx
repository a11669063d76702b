import type { Message, Outgoing } from "doran-client";
import { memo } from "../parts/memo.js";
import { Avatar } from "../parts/avatar.js";
import { Icon } from "../parts/icons.js";
import { Linked } from "../parts/linked.js";
import { client } from "../state/app.js";
import { t } from "../state/i18n.js";
import { nameOf, textOf } from "../state/names.js";
import { explainCode } from "../state/problems.js";
import { clock } from "../state/time.js";
import { attempt } from "../state/toasts.js";

interface Props {
  message: Message;
  mine: boolean;
  head: boolean;
  tail: boolean;
  waiting: number;
  /** Opens what can be done with it; undefined for what nothing can be done with. */
  onMenu?: ((message: Message, at: HTMLElement) => void) | undefined;
}

/** One message: the text, who said it when, and how many have not read it yet. */
export const Bubble = memo(function Bubble({ message, mine, head, tail, waiting, onMenu }: Props) {
  // A long press or the other button opens the menu too, unless it is about a link or a piece of the text.
  const held = (e: MouseEvent) => {
    const other = !onMenu || message.deleted || (e.target as Element).closest("a") || getSelection()?.type === "Range";
    const button = (e.currentTarget as Element).parentElement?.querySelector<HTMLElement>(".menu-button");
    if (other || !button) return;
    e.preventDefault();
    onMenu(message, button);
  };
  return (
    <div class={`message ${mine ? "mine" : "theirs"} ${head ? "head" : ""}`}>
      {!mine && (head ? <Avatar id={message.sender_id} size="s" /> : <span class="avatar-space" />)}
      <div class="said">
        {head && !mine && <span class="sender">{nameOf(message.sender_id)}</span>}
        {head && mine && <span class="hidden">{t("you")}</span>}
        <div class="said-line">
          <p class={`bubble ${message.deleted ? "deleted" : ""}`} dir="auto" onContextMenu={held}>
            {message.deleted ? textOf(message) : <Linked text={message.content} />}
          </p>
          <span class="marks">
            {waiting > 0 && (
              <span class="waiting" title={t("notRead", { n: waiting })}>
                <span aria-hidden="true">{waiting}</span>
                <span class="hidden">{t("notRead", { n: waiting })}</span>
              </span>
            )}
            {message.edited_at && !message.deleted && <span class="edited">{t("edited")}</span>}
            {tail && <time dateTime={message.created_at}>{clock(message.created_at)}</time>}
          </span>
          {onMenu && !message.deleted && (
            <button type="button" class="round menu-button" aria-label={t("actions")} aria-haspopup="menu" onClick={(e) => onMenu(message, e.currentTarget)}>
              <Icon name="more" size={18} />
            </button>
          )}
        </div>
      </div>
    </div>
  );
});

/** A message on its way, or one that the server did not take. */
export function OutgoingBubble({ outgoing }: { outgoing: Outgoing }) {
  const failed = outgoing.state === "failed";
  const act = (work: "retry" | "discard") => attempt(async () => client.value?.[work](outgoing.client_id));
  return (
    <div class={`message mine head ${failed ? "failed" : "pending"}`}>
      <div class="said">
        <div class="said-line">
          <p class="bubble" dir="auto">
            <Linked text={outgoing.content} />
          </p>
          <span class="marks" title={t(failed ? "notSent" : "waitingToSend")}>
            <Icon name={failed ? "alert" : "clock"} size={16} />
            <span class="hidden">{t(failed ? "notSent" : "waitingToSend")}</span>
          </span>
        </div>
        {failed && (
          <div class="failure" role="alert">
            <span>
              {t("notSent")}: {explainCode(outgoing.code, outgoing.detail)}
            </span>
            <button type="button" class="link" onClick={() => act("retry")}>
              {t("retry")}
            </button>
            <button type="button" class="link" onClick={() => act("discard")}>
              {t("discard")}
            </button>
          </div>
        )}
      </div>
    </div>
  );
}
