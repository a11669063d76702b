import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { t } from "../state/i18n.js";

interface Props {
  label: string;
  hint?: string;
  value: string;
  onValue: (v: string) => void;
  type?: "text" | "password";
  autocomplete?: "username" | "current-password" | "new-password";
  autocapitalize?: "off";
  spellcheck?: boolean;
  required?: boolean;
  maxLength?: number;
}

/** A labelled line to write in; a password can be shown. */
export function Field({ label, hint, value, onValue, type = "text", ...rest }: Props) {
  const id = useId();
  const [shown, setShown] = useState(false);
  const secret = type === "password";
  const kind = secret && shown ? "text" : type; // the types know either one, not both
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="field-line">
        <input
          {...rest}
          id={id}
          type={kind as "text"}
          value={value}
          aria-describedby={hint ? `${id}-hint` : undefined}
          onInput={(e) => onValue(e.currentTarget.value)}
        />
        {secret && (
          <button type="button" class="link" aria-pressed={shown} onClick={() => setShown(!shown)}>
            {t(shown ? "hidePassword" : "showPassword")}
          </button>
        )}
      </div>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** A form that is busy while it does its work, and says what went wrong. */
export function useWork(): { busy: boolean; run: (work: () => Promise<void>) => Promise<void> } {
  const [busy, setBusy] = useState(false);
  const run = async (work: () => Promise<void>) => {
    if (busy) return;
    setBusy(true);
    try {
      await work();
    } finally {
      setBusy(false);
    }
  };
  return { busy, run };
}

export function Switch({ checked, onChange, children }: { checked: boolean; onChange: (on: boolean) => void; children: ComponentChildren }) {
  return (
    <label class="switch">
      <span>{children}</span>
      <input type="checkbox" role="switch" checked={checked} onChange={(e) => onChange(e.currentTarget.checked)} />
    </label>
  );
}
