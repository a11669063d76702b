import { NetworkError, ProblemError } from "doran-client";
import { isTextKey, t } from "./i18n.js";

/** What went wrong, in the page's language where it is known, else in the server's words. */
export function explain(error: unknown): string {
  if (error instanceof NetworkError) return t("error_network");
  if (!(error instanceof ProblemError)) return t("error_internal");
  return explainCode(error.code, fieldText(error) ?? error.detail);
}

/** The same of a code that was kept. */
export function explainCode(code: string | undefined, detail: string | undefined): string {
  const key = `error_${code}`;
  return isTextKey(key) ? t(key) : (detail ?? t("error_internal"));
}

function fieldText(error: ProblemError): string | undefined {
  const field = error.fields[0];
  if (!field) return undefined;
  if (field.code === "blank") return t("error_blank");
  if (field.field === "username") return t(field.code === "invalid" ? "error_bad_username" : "error_short_username");
  if (field.field.endsWith("password")) return t("error_short_password");
  return field.detail;
}
