import { language, t } from "./i18n.js";

const formats = new Map<string, Intl.DateTimeFormat>();

function format(at: string | number, name: string, options: Intl.DateTimeFormatOptions): string {
  const key = language.value + name;
  let f = formats.get(key);
  if (!f) formats.set(key, (f = new Intl.DateTimeFormat(language.value === "ko" ? "ko-KR" : "en", options)));
  return f.format(new Date(at));
}

export function clock(at: string | number): string {
  return format(at, "clock", { hour: "numeric", minute: "2-digit" });
}

export function date(at: string | number): string {
  return format(at, "date", { year: "numeric", month: "long", day: "numeric", weekday: "long" });
}

export function stamp(at: string | number): string {
  return format(at, "stamp", { dateStyle: "medium", timeStyle: "medium" });
}

/** The local day of a time: equal for two times of one day. */
export function day(at: string | number): string {
  const d = new Date(at);
  return `${d.getFullYear()}-${d.getMonth()}-${d.getDate()}`;
}

/** As in a list: the clock today, the day before. */
export function short(at: string): string {
  const now = Date.now();
  if (day(at) === day(now)) return clock(at);
  if (day(at) === day(now - 86_400_000)) return t("yesterday");
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return sameYear ? format(at, "short", { month: "short", day: "numeric" }) : format(at, "year", { year: "numeric", month: "numeric", day: "numeric" });
}
