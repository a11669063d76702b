import { Api } from "doran-client";
import { useState } from "preact/hooks";
import { Field, useWork } from "../parts/field.js";
import { signIn } from "../state/app.js";
import { guest } from "../state/demo.js";
import { device } from "../state/device.js";
import { language, setLanguage, t } from "../state/i18n.js";
import { explain } from "../state/problems.js";
import { Logo } from "./logo.js";

/** The door: logging in, or making an account. */
export function SignIn() {
  const [joining, setJoining] = useState(false);
  const [username, setUsername] = useState(guest.username);
  const [password, setPassword] = useState(guest.password);
  const [wrong, setWrong] = useState("");
  const { busy, run } = useWork();
  const submit = () =>
    run(async () => {
      setWrong("");
      try {
        const api = new Api();
        const { user, token } = await (joining ? api.signUp : api.login)(username, password, device());
        await signIn({ user, token });
      } catch (error) {
        setWrong(explain(error));
      }
    });
  return (
    <main class="door">
      <div class="door-card">
        <Logo />
        <h1>{t("appName")}</h1>
        <p class="quiet-text">{t("tagline")}</p>
        <form
          onSubmit={(e) => {
            e.preventDefault();
            void submit();
          }}
        >
          <Field
            label={t("username")}
            value={username}
            onValue={setUsername}
            autocomplete="username"
            autocapitalize="off"
            spellcheck={false}
            required
            {...(joining ? { hint: t("usernameHint") } : {})}
          />
          <Field
            label={t("password")}
            value={password}
            onValue={setPassword}
            type="password"
            autocomplete={joining ? "new-password" : "current-password"}
            required
            {...(joining ? { hint: t("passwordHint") } : {})}
          />
          <p class="wrong" role="alert">
            {wrong}
          </p>
          <button type="submit" class="primary wide" disabled={busy}>
            {t(joining ? "signUp" : "logIn")}
          </button>
        </form>
        <p>
          {t(joining ? "haveAccount" : "noAccount")}{" "}
          <button
            type="button"
            class="link"
            onClick={() => {
              setJoining(!joining);
              setWrong("");
            }}
          >
            {t(joining ? "logIn" : "signUp")}
          </button>
        </p>
      </div>
      <button type="button" class="link" lang={language.value === "ko" ? "en" : "ko"} onClick={() => setLanguage(language.value === "ko" ? "en" : "ko")}>
        {language.value === "ko" ? "English" : "한국어"}
      </button>
    </main>
  );
}
