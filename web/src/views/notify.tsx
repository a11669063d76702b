import { useEffect, useState } from "preact/hooks";
import { Switch } from "../parts/field.js";
import { client } from "../state/app.js";
import { t } from "../state/i18n.js";
import { pushIsOn, pushKey, turnPushOff, turnPushOn } from "../state/push.js";
import { attempt, toast } from "../state/toasts.js";

/** Whether messages wake this device. Not shown where the browser or the server cannot. */
export function Notify() {
  const c = client.value!;
  const [key, setKey] = useState<string | null>(null);
  const [on, setOn] = useState(false);
  useEffect(() => {
    void pushKey(c)
      .then(async (k) => {
        if (k) setOn(await pushIsOn());
        setKey(k);
      })
      .catch(() => {});
  }, []);
  if (!key) return null;
  const change = (wanted: boolean) =>
    void attempt(async () => {
      if (!wanted) await turnPushOff(c);
      else if (!(await turnPushOn(c, key))) return toast(t("notificationsDenied"));
      setOn(wanted);
    });
  return (
    <Switch checked={on} onChange={change}>
      {t("notifications")}
    </Switch>
  );
}
