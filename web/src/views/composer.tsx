import { MAX_CONTENT, codePoints, type HeldChat, type Message } from "doran-client";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../parts/icons.js";
import { client, status } from "../state/app.js";
import { t } from "../state/i18n.js";
import { attempt } from "../state/toasts.js";

interface Props {
  chat: HeldChat;
  /** The message that is being edited. */
  editing: Message | null;
  onEdited: () => void;
  /** Asks to edit one's last message. */
  onEditLast: () => void;
}

const TYPING_EVERY = 3000;
const SHOWN_LEFT = 400;

/** Where one writes. A text that was begun is kept with the chat. */
export function Composer({ chat, editing, onEdited, onEditLast }: Props) {
  const c = client.value!;
  const area = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(() => c.view.drafts.get(chat.id) ?? "");
  const draft = useRef(text);
  const told = useRef(0);
  const left = MAX_CONTENT - codePoints(text);
  const ready = text.trim() !== "" && left >= 0;

  useLayoutEffect(() => {
    if (editing) setText(editing.content);
    else setText(draft.current);
    if (editing || !coarse()) area.current?.focus();
  }, [editing?.id]);
  useEffect(() => () => void c.setDraft(chat.id, draft.current).catch(() => {}), [chat.id]);
  useEffect(() => {
    const timer = setTimeout(() => void c.setDraft(chat.id, draft.current).catch(() => {}), 400);
    return () => clearTimeout(timer);
  }, [text]);
  useLayoutEffect(() => grow(area.current), [text]);

  const write = (value: string) => {
    setText(value);
    if (editing) return;
    draft.current = value;
    if (value && Date.now() - told.current > TYPING_EVERY && status.value.phase === "live") {
      told.current = Date.now();
      void c.api.typing(chat.id).catch(() => {});
    }
  };
  const submit = async () => {
    if (!ready) return;
    if (editing) {
      if (text !== editing.content && (await attempt(() => c.edit(editing, text).then(() => true))) !== true) return;
      return onEdited();
    }
    draft.current = "";
    setText("");
    told.current = 0;
    await attempt(() => c.send(chat.id, text));
    area.current?.focus();
  };
  const keys = (e: KeyboardEvent) => {
    if (e.isComposing || e.keyCode === 229) return; // the Enter that ends a Hangul syllable sends nothing
    if (e.key === "Enter" && !e.shiftKey && !coarse()) {
      e.preventDefault();
      void submit();
    } else if (e.key === "Escape" && editing) {
      e.preventDefault();
      onEdited();
    } else if (e.key === "ArrowUp" && text === "" && !editing) {
      e.preventDefault();
      onEditLast();
    }
  };
  return (
    <form
      class="composer"
      onSubmit={(e) => {
        e.preventDefault();
        void submit();
      }}
    >
      {editing && (
        <div class="editing">
          <span>{t("editing")}</span>
          <button type="button" class="round small" aria-label={t("cancel")} onClick={onEdited}>
            <Icon name="close" size={18} />
          </button>
        </div>
      )}
      <div class="composer-line">
        <textarea
          ref={area}
          rows={1}
          aria-label={t("message")}
          placeholder={t("writeHere")}
          value={text}
          enterkeyhint={coarse() ? "enter" : "send"}
          onInput={(e) => write(e.currentTarget.value)}
          onKeyDown={keys}
        />
        <button type="submit" class="send" disabled={!ready} aria-label={t(editing ? "save" : "send")}>
          <Icon name={editing ? "check" : "send"} />
        </button>
      </div>
      {left < SHOWN_LEFT && (
        <p class={`left ${left < 0 ? "too-many" : ""}`} role={left < 0 ? "alert" : undefined}>
          {left < 0 ? t("tooLong", { n: -left }) : t("left", { n: left })}
        </p>
      )}
    </form>
  );
}

/** Says whether one writes on a screen, where Enter is a new line. */
function coarse(): boolean {
  return matchMedia("(pointer: coarse)").matches;
}

function grow(area: HTMLTextAreaElement | null): void {
  if (!area) return;
  area.style.height = "auto";
  area.style.height = `${Math.min(area.scrollHeight, 160)}px`;
}
