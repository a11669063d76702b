import type { Message } from "doran-client";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../state/i18n.js";

export interface MenuProps {
  message: Message;
  /** The button that opened it. */
  at: HTMLElement;
  canEdit: boolean;
  canDelete: boolean;
  onCopy: () => void;
  onEdit: () => void;
  onDelete: () => void;
  onClose: () => void;
}

/** What one can do with a message. */
export function Menu({ at, canEdit, canDelete, onCopy, onEdit, onDelete, onClose }: MenuProps) {
  const ref = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<{ left: number; top: number } | null>(null);

  useLayoutEffect(() => {
    const menu = ref.current as HTMLDivElement;
    const button = at.getBoundingClientRect();
    const { width, height } = menu.getBoundingClientRect();
    const below = button.bottom + height + 8 < innerHeight;
    setPlace({ left: Math.max(8, Math.min(button.left, innerWidth - width - 8)), top: below ? button.bottom + 4 : button.top - height - 4 });
  }, []);
  useLayoutEffect(() => {
    if (place) ref.current?.querySelector("button")?.focus(); // not before it can be seen
  }, [place]);

  useEffect(() => {
    const top = at.getBoundingClientRect().top;
    const outside = (e: Event) => !ref.current?.contains(e.target as Node) && onClose();
    const scrolled = () => Math.abs(at.getBoundingClientRect().top - top) > 8 && onClose();
    document.addEventListener("pointerdown", outside);
    document.addEventListener("scroll", scrolled, true);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("scroll", scrolled, true);
    };
  }, []);

  const keys = (e: KeyboardEvent) => {
    const items = [...(ref.current?.querySelectorAll("button") ?? [])];
    const i = items.indexOf(document.activeElement as HTMLButtonElement);
    const step = e.key === "ArrowDown" ? 1 : e.key === "ArrowUp" ? -1 : 0;
    if (step) items[(i + step + items.length) % items.length]?.focus();
    else if (e.key === "Escape" || e.key === "Tab") close();
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  const close = () => {
    onClose();
    at.focus();
  };
  const item = (text: string, act: () => void, className = "") => (
    <button type="button" role="menuitem" class={className} onClick={() => (close(), act())}>
      {text}
    </button>
  );
  const style = place ? { left: `${place.left}px`, top: `${place.top}px` } : { visibility: "hidden" };
  return (
    <div ref={ref} class="menu" role="menu" aria-label={t("actions")} style={style} onKeyDown={keys}>
      {item(t("copy"), onCopy)}
      {canEdit && item(t("edit"), onEdit)}
      {canDelete && item(t("delete"), onDelete, "danger-text")}
    </div>
  );
}
