// Says times the way Slack does.

const pad = (number) => String(number).padStart(2, "0");

/** "14:05" of a Slack ts or of Unix seconds. */
export function clock(seconds) {
  const at = new Date(Number(seconds) * 1000);
  return `${pad(at.getHours())}:${pad(at.getMinutes())}`;
}

/** "Sunday, 22 November" (or "Today") of a Slack ts. */
export function day(seconds) {
  const at = new Date(Number(seconds) * 1000);
  if (at.toDateString() === new Date().toDateString()) return "Today";
  return at.toLocaleDateString("en-GB", { weekday: "long", day: "numeric", month: "long" });
}

export const full = (seconds) =>
  new Date(Number(seconds) * 1000).toLocaleString("en-GB", { dateStyle: "full", timeStyle: "medium" });

const part = (at, options) => at.toLocaleDateString("en-US", options);
const TOKENS = {
  date_num: (at) => `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`,
  date: (at) => part(at, { month: "long", day: "numeric", year: "numeric" }),
  date_short: (at) => part(at, { month: "short", day: "numeric", year: "numeric" }),
  date_long: (at) => part(at, { weekday: "long", month: "long", day: "numeric", year: "numeric" }),
  time: (at) => `${pad(at.getHours())}:${pad(at.getMinutes())}`,
  time_secs: (at) => `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`,
  ago: (at) => ago(at),
};

function ago(at) {
  const minutes = Math.round((Date.now() - at) / 60000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} minutes ago`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} hours ago` : `${Math.round(hours / 24)} days ago`;
}

/** Slack's date formatting: `{date_short} at {time}`; the fallback where the format holds a word we do not know. */
export function dateWords(seconds, format, fallback) {
  const at = new Date(Number(seconds) * 1000);
  let known = !Number.isNaN(at.getTime());
  const words = format.replace(/\{(\w+)\}/g, (_, name) => {
    const token = TOKENS[name] || TOKENS[name.replace(/_pretty$|^day_.*$/, "")] || (name === "date_pretty" && TOKENS.date);
    if (!token || !known) {
      known = false;
      return "";
    }
    return token(at);
  });
  return known ? words : fallback || "";
}

/** The time that a desk wrote in its own way: ISO times become local, anything else stays as it is. */
export function deskTime(text) {
  const at = new Date(text);
  if (!/^\d{4}-\d\d-\d\d[T ]/.test(text) || Number.isNaN(at.getTime())) return text;
  return at.toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}
