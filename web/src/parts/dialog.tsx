import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { signal } from "@preact/signals";
import { t } from "../state/i18n.js";
import { Icon } from "./icons.js";

/** A dialog of the browser's own: it keeps the focus inside, and gives it back. */
export function Dialog({ title, onClose, children, className = "" }: { title: string; onClose: () => void; children: ComponentChildren; className?: string }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    ref.current?.showModal();
    return () => before instanceof HTMLElement && before.isConnected && before.focus();
  }, []);
  return (
    <dialog
      ref={ref}
      class={`dialog ${className}`}
      aria-labelledby={id}
      onClose={onClose}
      onClick={(e) => e.target === ref.current && ref.current?.close()}
    >
      <div class="dialog-body">
        <header>
          <h2 id={id}>{title}</h2>
          <button type="button" class="round" aria-label={t("close")} onClick={() => ref.current?.close()}>
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

type Question = { text: string; action: string; answer: (yes: boolean) => void };
const question = signal<Question | null>(null);

/** Asks before what cannot be taken back. */
export function ask(text: string, action: string): Promise<boolean> {
  return new Promise((resolve) => {
    question.value = { text, action, answer: resolve };
  });
}

/** Shows what is asked. */
export function Asking() {
  const q = question.value;
  if (!q) return null;
  const answer = (yes: boolean) => {
    if (question.peek() !== q) return;
    question.value = null;
    q.answer(yes);
  };
  return (
    <Dialog title={t("confirm")} onClose={() => answer(false)} className="small">
      <p>{q.text}</p>
      <footer>
        <button type="button" class="quiet" onClick={() => answer(false)}>
          {t("cancel")}
        </button>
        <button type="button" class="danger" onClick={() => answer(true)}>
          {q.action}
        </button>
      </footer>
    </Dialog>
  );
}
