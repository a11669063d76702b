import { useState } from "preact/hooks";
import { Dialog } from "../parts/dialog.js";
import { client, status, tick } from "../state/app.js";
import { t, type TextKey } from "../state/i18n.js";
import { stamp } from "../state/time.js";

const PHASES = { live: "connected", connecting: "connecting", waiting: "notConnected", elsewhere: "elsewhere", ended: "notConnected" } as const satisfies Record<string, TextKey>;

/** A dot that says how the connection is; behind it stand the details. */
export function ConnectionSign() {
  const [open, setOpen] = useState(false);
  const text = t(PHASES[status.value.phase]);
  return (
    <>
      <button type="button" class={`sign ${status.value.phase}`} title={text} aria-label={`${t("connection")}: ${text}`} onClick={() => setOpen(true)}>
        <i />
      </button>
      {open && <ConnectionDetails onClose={() => setOpen(false)} />}
    </>
  );
}

/** For those who want to know: the transport, and where the client stands in its inbox. */
export function ConnectionDetails({ onClose }: { onClose: () => void }) {
  tick.value;
  const c = client.value;
  const s = status.value;
  if (!c) return null;
  return (
    <Dialog title={t("connection")} onClose={onClose} className="small">
      <dl class="details" data-test="connection">
        <dt>{t("connection")}</dt>
        <dd>
          <span class={`sign ${s.phase}`}>
            <i />
          </span>{" "}
          {t(PHASES[s.phase])}
        </dd>
        <dt>{t("transport")}</dt>
        <dd data-test="transport">{t(s.transport ?? "none")}</dd>
        <dt>{t("lastHeard")}</dt>
        <dd>{s.heard ? stamp(s.heard) : "–"}</dd>
        <dt>{t("tab")}</dt>
        <dd data-test="tab">{t(c.leads ? "leads" : "follows")}</dd>
        <dt>{t("waiting")}</dt>
        <dd>{c.view.outbox.size}</dd>
        <dt>{t("cursor")}</dt>
        <dd class="code" data-test="cursor">
          {s.cursor || "–"}
        </dd>
      </dl>
      {s.phase !== "live" && (
        <footer>
          <button type="button" class="primary" onClick={() => c.wake()}>
            {t(s.phase === "elsewhere" ? "connectHere" : "reconnect")}
          </button>
        </footer>
      )}
    </Dialog>
  );
}
