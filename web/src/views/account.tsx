import type { Me, Token } from "doran-client";
import { useEffect, useState } from "preact/hooks";
import { Avatar } from "../parts/avatar.js";
import { Dialog, ask } from "../parts/dialog.js";
import { Field, Switch, useWork } from "../parts/field.js";
import { changePassword, client, self, signOut, status, tick } from "../state/app.js";
import { language, setLanguage, t, type Language } from "../state/i18n.js";
import { nameOfUser } from "../state/names.js";
import { explain } from "../state/problems.js";
import { THEMES, setTheme, theme, type Theme } from "../state/theme.js";
import { date, short } from "../state/time.js";
import { attempt, toast } from "../state/toasts.js";
import { ConnectionDetails, ConnectionSign } from "./connection.js";
import { Notify } from "./notify.js";

/** The user's own page. */
export function Account() {
  tick.value;
  const user = self.value!;
  const [open, setOpen] = useState<"password" | "delete" | "connection" | null>(null);
  const close = () => setOpen(null);
  const logOut = async () => {
    const unsent = (client.value?.view.outbox.size ?? 0) > 0;
    if (!unsent || (await ask(t("logOutUnsent"), t("logOut")))) await signOut();
  };
  return (
    <div class="pane account">
      <header class="pane-head">
        <h1>{t("me")}</h1>
        <ConnectionSign />
      </header>
      <div class="card profile">
        <Avatar id={user.id} size="l" />
        <div>
          <strong dir="auto">{nameOfUser(user)}</strong>
          <p class="quiet-text">{t("since", { date: date(user.created_at) })}</p>
        </div>
      </div>
      <section class="card" aria-label={t("account")}>
        <Presence />
        <Notify />
      </section>
      <section class="card" aria-label={t("appearance")}>
        <Choice<Language> label={t("language")} value={language.value} options={[["ko", "한국어"], ["en", "English"]]} onChoice={setLanguage} />
        <Choice<Theme> label={t("theme")} value={theme.value} options={THEMES.map((x) => [x, t(x)])} onChoice={setTheme} />
      </section>
      <Devices />
      <div class="card choices">
        <button type="button" class="quiet" onClick={() => setOpen("connection")}>
          {t("connection")}
        </button>
        <button type="button" class="quiet" onClick={() => setOpen("password")}>
          {t("changePassword")}
        </button>
        <button type="button" class="quiet" onClick={() => void logOut()}>
          {t("logOut")}
        </button>
        <button type="button" class="quiet danger-text" onClick={() => setOpen("delete")}>
          {t("deleteAccount")}
        </button>
      </div>
      {open === "connection" && <ConnectionDetails onClose={close} />}
      {open === "password" && <ChangePassword onClose={close} />}
      {open === "delete" && <DeleteAccount onClose={close} />}
    </div>
  );
}

function Presence() {
  const [me, setMe] = useState<Me | null>(null);
  useEffect(() => void client.value?.api.me().then(setMe, () => {}), [status.value.phase === "live"]);
  const set = (on: boolean) => void attempt(async () => setMe((await client.value?.api.setPresence(on)) ?? null));
  return (
    <Switch checked={me?.presence ?? false} onChange={set}>
      {t("presence")}
    </Switch>
  );
}

function Choice<T extends string>({ label, value, options, onChoice }: { label: string; value: T; options: readonly (readonly [T, string])[]; onChoice: (v: T) => void }) {
  return (
    <label class="choice">
      <span>{label}</span>
      <select value={value} onChange={(e) => onChoice(e.currentTarget.value as T)}>
        {options.map(([v, text]) => (
          <option key={v} value={v} selected={v === value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

function Devices() {
  const [tokens, setTokens] = useState<Token[]>([]);
  const load = async () => setTokens((await client.value?.api.tokens(self.value!.id)) ?? []);
  useEffect(() => void load().catch(() => {}), [status.value.phase === "live"]);
  const end = (token: Token) =>
    void attempt(async () => {
      await client.value?.api.endToken(self.value!.id, token.id);
      await load();
    });
  return (
    <section class="card" aria-label={t("devices")}>
      <h2>{t("devices")}</h2>
      <ul class="devices">
        {tokens.map((token) => (
          <li key={token.id}>
            <span class="item-text">
              <strong>{token.device || "–"}</strong>
              <span class="snippet">{token.current ? t("thisDevice") : t("lastUsed", { time: short(token.used_at) })}</span>
            </span>
            {!token.current && (
              <button type="button" class="link" aria-label={`${t("signOutDevice")}: ${token.device}`} onClick={() => end(token)}>
                {t("signOutDevice")}
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function ChangePassword({ onClose }: { onClose: () => void }) {
  const [before, setBefore] = useState("");
  const [after, setAfter] = useState("");
  return (
    <Confirming
      title={t("changePassword")}
      hint={t("changePasswordHint")}
      action={t("save")}
      onClose={onClose}
      work={async () => {
        await changePassword(before, after);
        toast(t("passwordChanged"));
        onClose();
      }}
    >
      <Field label={t("oldPassword")} type="password" autocomplete="current-password" required value={before} onValue={setBefore} />
      <Field label={t("newPassword")} type="password" autocomplete="new-password" required hint={t("passwordHint")} value={after} onValue={setAfter} />
    </Confirming>
  );
}

function DeleteAccount({ onClose }: { onClose: () => void }) {
  const [password, setPassword] = useState("");
  return (
    <Confirming
      title={t("deleteAccount")}
      hint={t("deleteAccountHint")}
      action={t("deleteAccount")}
      danger
      onClose={onClose}
      work={async () => {
        const c = client.value!;
        await c.api.deleteMe(password);
        await c.end();
      }}
    >
      <Field label={t("password")} type="password" autocomplete="current-password" required value={password} onValue={setPassword} />
    </Confirming>
  );
}

interface ConfirmingProps {
  title: string;
  hint: string;
  action: string;
  danger?: boolean;
  onClose: () => void;
  work: () => Promise<void>;
  children: preact.ComponentChildren;
}

function Confirming({ title, hint, action, danger = false, onClose, work, children }: ConfirmingProps) {
  const [wrong, setWrong] = useState("");
  const { busy, run } = useWork();
  const submit = () => run(() => work().catch((error: unknown) => setWrong(explain(error))));
  return (
    <Dialog title={title} onClose={onClose} className="small">
      <form
        onSubmit={(e) => {
          e.preventDefault();
          void submit();
        }}
      >
        <p class="quiet-text">{hint}</p>
        {children}
        <p class="wrong" role="alert">
          {wrong}
        </p>
        <footer>
          <button type="button" class="quiet" onClick={onClose}>
            {t("cancel")}
          </button>
          <button type="submit" class={danger ? "danger" : "primary"} disabled={busy}>
            {action}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
